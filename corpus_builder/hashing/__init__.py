"""What makes two texts duplicates, as pure functions: shingles, MinHash, presets, verification, preference, repeated lines."""
