"""A pump, its programmers and a very bad line between them, watched by a ledger that trusts neither end."""
