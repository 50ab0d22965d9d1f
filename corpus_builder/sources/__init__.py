"""Readers of the input files: WARC, WET and ARC files, Wikipedia dumps, JSON lines, Parquet and plain text."""
