"""Everything that finds duplicates: signed documents, the steps of the search, their stages, rows of files, the living index."""
