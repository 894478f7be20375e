"""Style sheets of the programmer, kept as package data."""
