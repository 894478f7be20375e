"""Captures: what went over a link as octets of a pcapng file, and how to judge it (no clock, no files)."""
