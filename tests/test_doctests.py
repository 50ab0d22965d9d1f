"""What the docstrings show is what happens: one test a module, so that no example is left out."""

import doctest
import importlib
import pkgutil
import sys

import pytest

import corpus_builder

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(corpus_builder.__path__, "corpus_builder.")
    if not info.name.endswith(".__main__")  # which is the command
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of(name: str) -> None:
    importlib.import_module(name)
    module = sys.modules[name]
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF)
    for case in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(case, out=said.append)
    assert runner.summarize(verbose=False) == doctest.TestResults(0, runner.tries), "".join(said)
