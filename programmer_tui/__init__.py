"""The clinician's side: clinical arithmetic, session service, command-line twin and Textual screens."""
