"""The commands of the `cisterna` command line, one module each, imported when they are called."""
