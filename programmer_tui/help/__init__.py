"""Help texts of the programmer, kept as package data."""
