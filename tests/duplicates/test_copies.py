"""How many copies a document had: in the table of matches, and as a measure of rules below the search."""

from __future__ import annotations

import pytest
from support.builds import reasons
from support.corpora import page, prose, write_warc

from corpus_builder import Recipe, RecipeError, Serial, build

DUPLICATES = {"duplicates": True}
TWO = {"measure": "duplicates", "min": 2}
SETTINGS = {"bands": 14, "rows": 8, "keep": "newest"}


def recipe(directory, rules, **changes) -> Recipe:
    web = {"name": "web", "kind": "warc", "paths": ["*.warc.gz"]}
    value = {"name": "copies", "sources": [web], "dedup": SETTINGS, "quality": {"rules": rules}}
    return Recipe.of(value | changes, base=directory)


@pytest.fixture
def pages(tmp_path):
    """A page three times, another twice, and one alone; the second copies are in another archive."""
    copies = [page(1), page(2), page(3), page(1, host="b.example")]
    write_warc(tmp_path / "a.warc.gz", copies)
    write_warc(tmp_path / "b.warc.gz", [page(1, host="c.example"), page(2, host="c.example")])
    return tmp_path


def test_every_document_of_a_group_has_its_number_of_copies(pages):
    done = build(recipe(pages, [DUPLICATES]), pages / "out", Serial())
    rows = done.sql("select text, duplicates, survivor from documents join matches using (id)").fetchall()
    assert sorted((prose(1) in text, prose(2) in text, copies) for text, copies, _ in rows) == [
        (False, False, 1),
        *[(False, True, 2)] * 2,
        *[(True, False, 3)] * 3,
    ]
    assert sorted(copies for _, copies, survivor in rows if survivor is None) == [1, 2, 3]


def test_a_rule_below_the_search_reads_it(pages):
    done = build(recipe(pages, [DUPLICATES, TWO]), pages / "out", Serial())
    found = reasons(done)
    assert sorted(found.values()) == ["", "", "duplicate_exact", "duplicate_exact", "duplicate_exact", "duplicates_low"]


@pytest.mark.parametrize(
    ("rules", "changes", "sentence"),
    [
        (
            [TWO, DUPLICATES],
            {},
            "the rule on duplicates stands before duplicates = true, but copies are counted after the search",
        ),
        ([TWO], {"dedup": None}, "wants duplicates, the number of copies, but the recipe does not look for any; add a table"),
        ([DUPLICATES], {"dedup": SETTINGS | {"keep": "largest:duplicates"}}, "unknown measure 'duplicates' in dedup.keep"),
    ],
)
def test_elsewhere_it_is_refused(pages, rules, changes, sentence):
    with pytest.raises(RecipeError, match=sentence):
        recipe(pages, rules, **changes)
