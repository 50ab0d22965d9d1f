"""Japanese text: kinds of letters, sentences, n-grams, words, and language detection."""
