"""Pages that state what the code knows: one function per page, plain text out, the same in every run."""
