"""The build as data: the recipe's models, the inputs that it names, and its rules ready to run."""
