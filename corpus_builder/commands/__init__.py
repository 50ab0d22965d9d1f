"""The command line, which turns arguments into calls.  `main.py` has the group; each family of commands has a file of its own."""
