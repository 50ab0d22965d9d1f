"""What Japanese text is made of: letters, sentences, n-grams, language."""
