"""Everything that finds duplicates: signed documents, the steps and stages of the search, rows of files, and the index."""
