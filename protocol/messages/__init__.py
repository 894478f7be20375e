"""Messages of OITP/1: bodies, their codec and the registry that is their single source."""
