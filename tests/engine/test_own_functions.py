"""A user's function is found, known by the source that it depends on, and its errors are sentences."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from support.corpora import make_recipe

from corpus_builder import Serial, build, extracted_lines, plan
from corpus_builder.document import DOCUMENT
from corpus_builder.engine import guard
from corpus_builder.engine.own_functions import load_function, own_modules
from corpus_builder.errors import RecipeError, StageError
from corpus_builder.recipe.running import Running
from corpus_builder.stages.measure import Measure


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
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
        ("not_there:f", "put not_there.py next to the recipe"),
        ("typo_filter:afiliate", "has no function 'afiliate'; did you mean 'affiliate'"),
        ("broken_filter:f", "failed at import: SyntaxError"),
        ("leaving_filter:f", "failed at import: SystemExit: 0"),
        ("needy_filter:f", "imports 'surely_not_installed', which is not installed"),
    ],
)
def test_what_cannot_be_loaded_is_a_sentence(folder, name, says):
    write(folder, "typo_filter", "def affiliate(doc):\n    return None\n")
    write(folder, "broken_filter", "def f(doc:\n")
    write(folder, "leaving_filter", "import sys\nsys.exit(0)\n")
    write(folder, "needy_filter", "import surely_not_installed\ndef f(doc): ...\n")
    with pytest.raises(RecipeError, match=says):
        load_function(name, folder)


MISCHIEF = """
import ctypes, os, sys
def exits(doc): sys.exit(0)
def leaves(doc): os._exit(0)
def interrupts(doc): raise KeyboardInterrupt
def closes(doc): raise GeneratorExit
def stops(doc): raise StopIteration
def yields(doc): yield None
def crashes(doc): ctypes.string_at(0)
def spins(doc):
    while doc.id == "b": pass
def says_five(doc): return Drop(5)
def says_words(doc): return Drop("bad", value="much")
def says_much(doc): return Drop("bad", value=10**400)
def is_yes(doc): return "yes"
from corpus_builder import Drop
class Mute(Exception):
    def __str__(self): raise RuntimeError("no words")
def raises_mute(doc): raise Mute()
def is_killed(doc):
    if doc.id == "b": os.kill(os.getpid(), 9)
    return None
def half(doc): return Drop("a\\ud800", 1, None, "b\\ud800") if doc.id == "b" else None
seen = []
def counts(doc):
    seen.append(doc.id)
    return len(seen)
"""


def documents(source: str = "") -> pa.Table:
    row = dict.fromkeys(DOCUMENT.names, "")
    return pa.Table.from_pylist([row | {"id": id_, "source": source, "text": "あ"} for id_ in "abc"], schema=DOCUMENT)


@pytest.mark.parametrize("use", ["filters", "measures"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("exits", "failed on the document 'a': SystemExit: 0"),
        ("leaves", r"ended its process \(exit code 0\) on the document 'a'"),
        ("interrupts", "failed on the document 'a': KeyboardInterrupt"),
        ("closes", "failed on the document 'a': GeneratorExit"),
        ("stops", "failed on the document 'a': StopIteration"),
        ("yields", "failed on the document 'a': TypeError: The (filter|measure) .* returned <generator"),
        ("crashes", r"ended its process \(SIGSEGV\) on the document 'a'"),
        ("spins", "did not end within 0 seconds of CPU time on the document 'b'|failed on the document 'a': TypeError: The m"),
        (
            "says_five",
            "failed on the document 'a': TypeError: (its reason is 5; give a word|The measure .* a measure returns a number)",
        ),
        ("says_words", "failed on the document 'a': (ValueError: could not convert|TypeError: The measure)"),
        ("says_much", "failed on the document 'a': (OverflowError|TypeError: The measure)"),
        ("is_yes", "failed on the document 'a': TypeError: The (filter|measure) 'is_yes' returned 'yes'"),
        ("raises_mute", "failed on the document 'a': Mute"),
    ],
)
def test_whatever_a_function_does_is_a_sentence_with_the_document(folder, monkeypatch, use, name, says):
    monkeypatch.setattr(guard, "CPU_SECONDS", 0)
    write(folder, "mischief", MISCHIEF)
    function = load_function(f"mischief:{name}", folder)
    stage = Measure(filters=(function,)) if use == "filters" else Measure(measures=(("mine", function),))
    with pytest.raises(StageError, match=rf"^mischief:{name} ({says})"):
        stage.table(documents())


def test_a_kill_names_the_function_and_the_document_that_it_was_at(folder):
    write(folder, "mischief", MISCHIEF)
    with pytest.raises(StageError, match=r"was killed \(SIGKILL\), .*; mischief:is_killed was at the document 'b'$"):
        Measure(filters=(load_function("mischief:is_killed", folder),)).table(documents())


def test_what_functions_print_stands_not_among_what_a_command_prints_for_programs(folder):
    write(folder, "prints", "print('at import')\ndef talks(doc): print('of a document')\n")
    command = [sys.executable, "-m", "corpus_builder", "judge", "--filter", "prints:talks", "--text", "あ", "--json"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert [judged["rule"] for judged in json.loads(ran.stdout)] == ["talks"]
    assert ran.stderr == "at import\nof a document\n"


def test_functions_are_asked_in_one_process_for_all_documents(folder):
    write(folder, "mischief", MISCHIEF)
    half, counts = (load_function(f"mischief:{name}", folder) for name in ("half", "counts"))
    found = Measure(measures=(("nth", counts),), filters=(half,)).table(documents())
    assert found.column("nth").to_pylist() == [1, 2, 3]
    assert found.column("filter mischief:half").to_pylist() == [
        None,
        {"reason": "a\N{REPLACEMENT CHARACTER}", "value": 1.0, "threshold": None, "detail": "b\N{REPLACEMENT CHARACTER}"},
        None,
    ]
    assert sys.modules["mischief"].seen == []


EXTRACTORS = """
import os, sys
from corpus_builder.pages.extract import Extracted, japanese_extractor
def fails(html_text, url): raise KeyError("no such element")
def exits(html_text, url): sys.exit(0)
def leaves(html_text, url): os._exit(0)
def words(html_text, url): return "text"
def ours(html_text, url): return japanese_extractor(html_text, url)
"""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fails", r"failed on the page 'web-a.warc.gz/\d+' \(https://www.example/0\): KeyError: 'no such element'"),
        ("exits", r"failed on the page 'web-a.warc.gz/\d+' \(https://www.example/0\): SystemExit: 0"),
        ("leaves", r"ended its process \(exit code 0\) on the page 'web-a.warc.gz/\d+'"),
        ("words", r"failed on the page 'web-a.warc.gz/\d+' \(https://www.example/0\): it returned 'text', not Extracted"),
    ],
)
def test_an_extractor_of_ones_own_stops_the_stage_as_a_filter_does(folder, inputs, name, says):
    write(inputs, "own_extractor", EXTRACTORS)
    recipe = make_recipe(inputs, extract={"extractor": f"own_extractor:{name}"})
    with pytest.raises(StageError, match=f"web-a.warc.gz: The extractor own_extractor:{name} {says}"):
        build(recipe, folder / "out", Serial())


def test_an_extractor_is_looked_for_beside_the_recipe(folder, inputs, monkeypatch):
    """By `plan` and `extract`, too, and by workers that have no such file."""
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    write(inputs, "beside_it", EXTRACTORS)
    recipe = make_recipe(inputs, extract={"extractor": "beside_it:ours"})
    assert plan(recipe, folder / "out")[0].todo == (("jawiki.xml.bz2", "new"), ("web-a.warc.gz", "new"), ("web-b.warc.gz", "new"))
    lines = list(extracted_lines(inputs / "web-b.warc.gz", recipe.page_settings))
    assert [line["verdict"] for line in lines] == ["document"] * 5
    assert [module.__name__ for module in own_modules(*Running(recipe, Path()).functions)] == ["beside_it"]
