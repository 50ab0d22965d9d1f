"""A corpus from a notebook: functions of its cells in the recipe, changed and run again, and the result in hand."""

import subprocess
import sys

import pytest
from support.builds import reasons
from support.corpora import make_inputs
from support.notebook import Notebook
from support.paths import TESTS

from corpus_builder import Built, Recipe, RecipeError

CELLS = [
    """
    from functools import partial
    from corpus_builder import Document, Drop, Extract, Extracted, Quality, Recipe, Rule, Serial, Source, build, judge, plan
    from corpus_builder.pages.extract import japanese_extractor
    """,
    """
    LIMIT = 2

    def harbours(doc: Document) -> float:
        return doc.text.count("港")

    def too_many(doc, limit):
        return Drop("harbours", value=harbours(doc), threshold=limit) if harbours(doc) > limit else None

    def first_lines(html_text, url):
        found = japanese_extractor(html_text, url)
        return found and Extracted(found.title, "\\n".join(found.text.split("\\n")[:3]))

    def kana(text):
        return sum("ぁ" <= letter <= "ん" for letter in text) / len(text)
    """,
    """
    recipe = Recipe(
        name="notebook",
        sources=[
            Source(name="web", kind="warc", paths=["web-*.warc.gz"]),
            Source(name="wikipedia", kind="wikipedia", paths=["jawiki.xml.bz2"], language="ja", detector=lambda text: kana(text)),
        ],
        extract=Extract(extractor=first_lines, detector=kana, min_japanese_score=0.1),
        quality=Quality(
            measures={"harbours": harbours},
            rules=[
                Rule(measure="harbours", max=LIMIT),
                Rule(filter=partial(too_many, limit=1)),
                Rule(filter=lambda doc: Drop("short") if len(doc.text) < 40 * LIMIT else None),
            ],
        ),
    )
    """,
    "built = build(recipe, 'out', Serial())",
]

ANOTHER_PROCESS = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from support.notebook import Notebook
from test_notebook import CELLS
notebook = Notebook(vars(sys.modules["__main__"]))
for cell in CELLS[:3]:
    notebook.run(cell)
print([stage.todo for stage in plan(recipe, "out")])
"""


def test_a_corpus_is_built_from_cells(tmp_path, monkeypatch):
    monkeypatch.chdir(make_inputs(tmp_path / "inputs"))
    notebook = Notebook()
    for cell in CELLS:
        notebook.run(cell)
    built = notebook["built"]
    texts = built.documents().to_table().to_pylist()
    assert max(row["text"].count("\n") for row in texts if row["source"] == "web") == 2
    wanted = {row["id"]: _reason(row["text"]) for row in texts if row["source"] == "web"}
    assert {id_: reason for id_, reason in reasons(built).items() if id_ in wanted} == wanted
    assert {"", "harbours", "short"} <= set(wanted.values())

    opened = Built.open("out")
    assert opened.recipe == built.recipe
    assert opened.recipe.quality.measures == {"harbours": "__main__:harbours"}
    (dropped,) = built.sql("select id from decisions where reason = 'harbours' limit 1").fetchall()
    (story,) = opened.why(*dropped)
    assert [checked.rule.partition("@")[0] for checked in story.rules] == [
        "harbours <= 2",
        "partial of __main__:too_many",
        "__main__:<lambda>",
    ]
    assert [checked.drops for checked in story.rules] == [False, True, False]
    ran = subprocess.run([sys.executable, "-c", ANOTHER_PROCESS], capture_output=True, text=True, check=True)
    assert ran.stdout == "[(), (), (), ()]\n", "the digests of its functions are the same there"

    notebook.run("LIMIT = 1")
    notebook.run(CELLS[2])
    todo = {one.stage: {why for _, why in one.todo} for one in notebook["plan"](notebook["recipe"], "out")}
    assert {name: why for name, why in todo.items() if why} == {
        "measure": {"own functions changed"},
        "decide": {"rules changed, measures may change"},
    }
    with pytest.raises(
        RecipeError, match=r"^The recipe holds the function __main__:<lambda>, which a recipe file cannot name; put it"
    ):
        notebook["recipe"].to_toml()


def _reason(text: str) -> str:
    if text.count("港") > 1:
        return "harbours_high" if text.count("港") > 2 else "harbours"
    return "short" if len(text) < 80 else ""


def test_a_recipe_with_functions_of_modules_is_written_with_their_names(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "notebook_rules.py").write_text("def short(doc): return None\ndef length(doc): return 1\n")
    notebook = Notebook()
    notebook.run(CELLS[0])
    notebook.run(
        """
        import notebook_rules
        recipe = Recipe(
            name="x",
            sources=[Source(name="web", kind="warc", paths=["a.warc.gz"])],
            quality=Quality(measures={"length": notebook_rules.length}, rules=[Rule(filter=notebook_rules.short)]),
        )
        """
    )
    (tmp_path / "recipe.toml").write_text(notebook["recipe"].to_toml())
    loaded = Recipe.load(tmp_path / "recipe.toml")
    assert loaded.quality.measures == {"length": "notebook_rules:length"}
    assert loaded.quality.rules[0].filter == "notebook_rules:short"
