"""The last edits to the text, and the mixture."""
