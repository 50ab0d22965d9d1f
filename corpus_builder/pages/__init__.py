"""Page bytes to text: gate, charset, main text."""
