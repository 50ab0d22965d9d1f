"""Pure functions for duplicates and repeated lines: shingles, MinHash, presets, verification, preference, pairs, pointers."""
