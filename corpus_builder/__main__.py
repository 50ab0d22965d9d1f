"""`python -m corpus_builder` is `corpus-builder`."""

from corpus_builder.commands.main import main

main()
