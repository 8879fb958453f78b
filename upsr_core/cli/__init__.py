"""`upsr`: the command line; every command makes the calls that the pages make."""
