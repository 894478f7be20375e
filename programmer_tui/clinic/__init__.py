"""Clinical arithmetic and rules, free of screens and links: doses, limits, number entry, formatting."""
