"""A user's function is found, known by the source that it depends on, and its errors are sentences."""

import sys
from pathlib import Path

import pytest

from corpus_builder.custom import load_function, own_modules
from corpus_builder.errors import RecipeError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)
    sys.modules.pop(name, None)


def test_a_function_beside_the_recipe_is_found(folder):
    write(folder, "shop_filters", "def affiliate(doc):\n    return None\n")
    function = load_function("shop_filters:affiliate", folder)
    assert function.call("x") is None
    assert [module.__name__ for module in own_modules(function)] == ["shop_filters"]


def test_the_digest_follows_the_source_and_what_it_imports(folder):
    write(folder, "word_table", "WORDS = ['a']\n")
    write(folder, "word_filter", "from word_table import WORDS\ndef f(doc):\n    return None\n")
    first = load_function("word_filter:f", folder)
    assert [module.__name__ for module in own_modules(first)] == ["word_filter", "word_table"]
    write(folder, "word_table", "WORDS = ['a', 'b']\n")
    sys.modules.pop("word_filter")
    second = load_function("word_filter:f", folder)
    sys.modules.pop("word_filter")
    sys.modules.pop("word_table")
    assert second.digest != first.digest
    assert load_function("word_filter:f", folder).digest == second.digest


def test_unrelated_modules_do_not_show_in_the_digest(folder):
    write(folder, "lonely_filter", "def f(doc):\n    return None\n")
    alone = load_function("lonely_filter:f", folder).digest
    write(folder, "bystander", "X = 1\n")
    __import__("bystander")
    sys.modules.pop("lonely_filter")
    assert load_function("lonely_filter:f", folder).digest == alone


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_colon", "write module:function"),
        (":f", "write module:function"),
        ("not_there:f", "put not_there.py beside the recipe"),
        ("typo_filter:afiliate", "Did you mean typo_filter:affiliate"),
        ("broken_filter:f", "failed at import: SyntaxError"),
        ("needy_filter:f", "imports 'surely_not_installed', which is not installed"),
    ],
)
def test_what_cannot_be_loaded_is_a_sentence(folder, name, says):
    write(folder, "typo_filter", "def affiliate(doc):\n    return None\n")
    write(folder, "broken_filter", "def f(doc:\n")
    write(folder, "needy_filter", "import surely_not_installed\ndef f(doc): ...\n")
    with pytest.raises(RecipeError, match=says):
        load_function(name, folder)
