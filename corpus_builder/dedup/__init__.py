"""Near-duplicates: shingles, MinHash signatures, band keys."""
