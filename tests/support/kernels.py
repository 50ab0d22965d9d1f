"""Compiles the kernels of a new checkout, for every process of the tests: `make check` runs it beside the static checks."""

import tempfile
from pathlib import Path

from corpus_builder import Serial, build
from support.corpora import make_inputs, make_recipe


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe = make_recipe(make_inputs(Path(folder) / "inputs"), dedup={"verify": 0.8}, lines={"documents": 2})
        build(recipe, Path(folder) / "out", Serial(), progress=False)


if __name__ == "__main__":
    main()
