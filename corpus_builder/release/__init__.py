"""The final edits of texts, the mixture of sources, and publishing of the corpus."""
