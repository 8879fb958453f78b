"""`python -m upsr_core` is the command `upsr`."""

from upsr_core.cli.main import main

main()
