"""The command line: arguments to calls, no logic.  `main.py` has the group; each family of commands has a file of its own."""
