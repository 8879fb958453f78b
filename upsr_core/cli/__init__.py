"""The command line `upsr`: every command makes the calls that the pages make."""
