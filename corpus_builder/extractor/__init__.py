"""The main text of a Japanese page: scan its bytes into blocks, classify each block, and typeset the kept ones."""
