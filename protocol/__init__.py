"""OITP/1, the contract between pump and programmer: bytes in, events out, with time as an argument."""
