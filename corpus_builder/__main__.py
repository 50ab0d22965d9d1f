"""`python -m corpus_builder` is `corpus-builder`."""

from corpus_builder.cli import main

main()
