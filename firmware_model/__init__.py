"""The implanted pump, pure and event-driven: what its firmware believes and what really happens."""
