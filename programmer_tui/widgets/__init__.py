"""Widgets shared by the programmer's screens."""
