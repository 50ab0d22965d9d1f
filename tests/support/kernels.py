"""Compiles the kernels of a new checkout, for every process of the tests: `make check` runs it beside the static checks."""

import tempfile
from pathlib import Path

from corpus_builder import Serial, build
from corpus_builder.japanese.train_language_model import train
from support.corpora import make_inputs, make_recipe, prose


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe = make_recipe(make_inputs(Path(folder) / "inputs"), dedup={"verify": 0.8}, lines={"documents": 2})
        build(recipe, Path(folder) / "out", Serial(), progress=False)
    train([prose(1), prose(2)]).perplexity([prose(3)])


if __name__ == "__main__":
    main()
