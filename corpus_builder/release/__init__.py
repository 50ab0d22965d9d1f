"""The last edits to the text, the mixture, and the corpus copied to where its readers are."""
