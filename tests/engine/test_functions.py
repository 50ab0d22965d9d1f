"""Functions that are given as they are: known by what they depend on, the same in every process, wherever they were defined."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.notebook import Notebook
from support.paths import ROOT

from corpus_builder import RecipeError
from corpus_builder.engine.own_functions import function_of, load_function, own_modules

CELL = """
    import re
    from dataclasses import dataclass
    from enum import Enum
    from functools import cache, partial

    LIMIT = 3
    WORDS = {"猫", "犬", "鳥", "魚", "馬"}
    PATTERN = re.compile("[ぁ-ん]+")
    NESTED = {"a": [1, (2.5, None)], "b": frozenset({"x", "y", "z"})}

    class Kind(Enum):
        LONG = 1

    @dataclass(frozen=True)
    class Judge:
        least: int
        words: frozenset = frozenset({"a", "b", "c"})

        def __call__(self, doc):
            return helper(doc.text) > self.least

    def helper(text):
        return len(PATTERN.findall(text)) + LIMIT

    @cache
    def loaded():
        return {"kind": Kind.LONG}

    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    def rule(doc, most=LIMIT):
        global seen
        seen = doc.id
        return any(word in doc.text for word in WORDS) and helper(doc.text) and loaded() and NESTED and even(4)

    def maker(n):
        return lambda doc: helper(doc.text) > n

    def scaled(doc, by):
        return by * helper(doc.text)

    FUNCTIONS = [rule, maker(3), maker(4), partial(scaled, by=2), Judge(3), Judge(3).__call__, lambda doc: WORDS]
"""


def digests(cell: str = CELL) -> list[str]:
    notebook = Notebook()
    notebook.run(cell)
    return [function_of(function, Path()).digest for function in notebook["FUNCTIONS"]]


def names(cell: str = CELL) -> list[str]:
    notebook = Notebook()
    notebook.run(cell)
    return [function_of(function, Path()).name.partition("@")[0] for function in notebook["FUNCTIONS"]]


def test_functions_are_called_by_where_they_were_defined():
    assert names() == [
        "__main__:rule",
        "__main__:maker.<locals>.<lambda>",
        "__main__:maker.<locals>.<lambda>",
        "partial of __main__:scaled",
        "__main__:Judge",
        "__main__:Judge.__call__",
        "__main__:<lambda>",
    ]


def test_the_digest_of_the_same_source_is_the_same_in_every_process():
    program = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]; from engine.test_functions import *; print(digests())"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {str(digests())}
    assert len(set(digests())) == len(digests())


RULE, MAKER_3, MAKER_4, PARTIAL, JUDGE, METHOD, ALONE = range(7)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("LIMIT = 3", "LIMIT = 4", {RULE, MAKER_3, MAKER_4, PARTIAL, JUDGE, METHOD}),
        ("[ぁ-ん]+", "[ァ-ン]+", {RULE, MAKER_3, MAKER_4, PARTIAL, JUDGE, METHOD}),
        ('"馬"}', '"牛"}', {RULE, ALONE}),
        ("(2.5, None)", "(2.5, 0)", {RULE}),
        ("n == 0 or", "n == 1 or", {RULE}),
        ("Kind.LONG}", "None}", {RULE}),
        ("LONG = 1", "LONG = 2", {RULE}),
        ("maker(4)", "maker(5)", {MAKER_4}),
        ("by=2", "by=3", {PARTIAL}),
        ("Judge(3),", "Judge(4),", {JUDGE}),
        ('{"a", "b", "c"}', '{"a", "b"}', {JUDGE, METHOD}),
        ("> self.least", ">= self.least", {JUDGE, METHOD}),
        ("most=LIMIT", "most=LIMIT + 1", {RULE}),
        ('{"猫", "犬", "鳥", "魚", "馬"}', '{"馬", "魚", "鳥", "犬", "猫"}', set()),
        ("    def scaled", "    # a comment\n    UNRELATED = 1\n\n\n    def scaled", set()),
    ],
)
def test_a_change_of_what_a_function_depends_on_changes_its_digest(old, new, changed):
    assert old in CELL
    before, after = digests(), digests(CELL.replace(old, new))
    assert {place for place, (one, other) in enumerate(zip(before, after, strict=True)) if one != other} == changed


def test_what_a_function_assigns_itself_is_its_memory_and_no_input():
    notebook = Notebook()
    notebook.run("model = None\ndef f(doc):\n    global model\n    model = model or open('/dev/null')\n")
    notebook["f"](None)
    with notebook["model"]:
        assert function_of(notebook["f"], Path()).name == "__main__:f"


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("file = open('/dev/null')\ndef f(doc): return file", "__main__:f uses 'file', which is a TextIOWrapper"),
        ("import threading\nlock = [threading.Lock()]\ndef f(doc): return lock", "__main__:f uses 'lock', which is a lock"),
        (
            "def g(x): return lambda doc: x\nf = g(iter(open('/dev/null')))",
            "uses a value of the function around it, which is a TextIO",
        ),
        ("def f(doc, x=open('/dev/null')): return x", "a default or an attribute of __main__:f holds, which is a TextIO"),
        ("class A:\n  file = open('/dev/null')\n  def m(self, doc): pass\nf = A().m", "the class A holds, which is a TextIO"),
        ("deep = []\nfor _ in range(5000): deep = [deep]\ndef f(doc): return deep", "values within values without end"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_what_cannot_be_known_is_a_sentence_with_what_to_do(cell, says):
    notebook = Notebook()
    notebook.run(cell)
    with pytest.raises(
        RecipeError, match=rf'^Changes of the function .* cannot be detected: .*{says}.*functools.cache.* "module:function"'
    ):
        function_of(notebook["f"], Path())


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A module of the user's own, imported by a notebook."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "beside_notebook.py").write_text("import math\nLIMIT = 1\nOTHER = 1\ndef f(doc): return math.floor(LIMIT)\n")
    yield tmp_path / "beside_notebook.py"
    sys.modules.pop("beside_notebook", None)


def test_modules_of_the_users_own_count_by_what_is_used_of_them(beside):
    notebook = Notebook()

    def found(cell):
        notebook.run(f"import importlib, beside_notebook\nimportlib.reload(beside_notebook)\n{cell}")
        function = function_of(notebook["f"], Path())
        return function.digest, [module.__name__ for module in own_modules(function)]

    cells = [
        "def f(doc): return beside_notebook.LIMIT",
        "from beside_notebook import f",
        "def f(doc): return vars(beside_notebook)",
        "def f(doc):\n    import beside_notebook\n    return beside_notebook.f(doc)",
    ]
    before = list(map(found, cells))
    assert [modules for _, modules in before] == [["beside_notebook"]] * 4
    source = beside.read_text()
    beside.write_text(source.replace("OTHER = 1", "OTHER = 20"))
    assert [new == old for new, old in zip(map(found, cells), before, strict=True)] == [True, True, False, False]
    beside.write_text(source.replace("LIMIT = 1", "LIMIT = 20"))
    assert [new == old for new, old in zip(map(found, cells), before, strict=True)] == [False] * 4
    assert function_of(notebook["f"], Path()).name == "__main__:f"


def test_a_function_of_a_package_is_known_as_by_its_name():
    from corpus_builder.japanese.words import content_word_fraction

    assert function_of(content_word_fraction, Path()) == load_function(
        "corpus_builder.japanese.words:content_word_fraction", Path()
    )


def test_a_function_of_the_notebook_can_be_named(monkeypatch):
    notebook = Notebook()
    notebook.run("def too_short(doc): return None\nlength = 3")
    monkeypatch.setitem(sys.modules, "__main__", type(sys)("__main__"))
    vars(sys.modules["__main__"]).update(notebook.names)
    assert load_function("__main__:too_short", Path()) == function_of(notebook["too_short"], Path())
    for name, hint in (("to_short", r"; did you mean 'too_short'\?"), ("length", r"\.")):
        with pytest.raises(
            RecipeError, match=f"^There is no function '{name}' in the notebook or script that runs{hint} Define it"
        ):
            load_function(f"__main__:{name}", Path())
