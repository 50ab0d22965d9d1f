"""The main text of a Japanese page: scan its bytes into blocks, judge each, and set the kept ones as text."""
