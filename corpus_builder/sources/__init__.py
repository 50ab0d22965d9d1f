"""Bytes in: WARCs, Wikipedia dumps, and text files."""
