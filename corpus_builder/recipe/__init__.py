"""The recipe: its models, the input files that it names, and its rules and functions ready to run."""
