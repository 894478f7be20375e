"""`python -m workbench` is the `cisterna` command."""

from workbench.cli import main

main()
