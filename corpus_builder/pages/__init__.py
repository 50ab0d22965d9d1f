"""From the bytes of a page to its text: gate, charset detection, main text extraction."""
