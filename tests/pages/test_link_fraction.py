"""What share of a text is links, and what share of its page is text: from the blocks to the table of measures."""

from __future__ import annotations

import json

import pytest
from support.corpora import Response, html, prose, write_warc

from corpus_builder import Document, Recipe, Serial, build, judge
from corpus_builder.pages.extract import japanese_extractor

LINKED = "".join(f'<p><a href="/{n}">{line}</a></p>' for n, line in enumerate(prose(2).split("\n")[:2]))
PAGE = html(prose(1)).replace("</article>", f"{LINKED}</article>")


def test_links_in_the_text_are_counted_by_characters():
    found = japanese_extractor(PAGE)
    linked = sum(map(len, prose(2).split("\n")[:2]))
    assert found.text.count("\n") == 6
    assert found.link_fraction == pytest.approx(linked / len(found.text.replace("\n", "")))
    assert japanese_extractor(html(prose(1))).link_fraction == 0.0


def test_a_menu_around_the_text_lowers_its_share_of_the_page():
    menu = "".join(f'<li><a href="/{n}">項目の{n}</a></li>' for n in range(60))
    bare, page = (
        japanese_extractor(html(prose(1)).replace("<body>", f"<body>{more}")) for more in ("", f"<nav><ul>{menu}</ul></nav>")
    )
    assert bare.text == page.text
    assert page.link_fraction == 0.0
    assert 0.5 < page.main_text_fraction < bare.main_text_fraction <= 1.0


def test_both_are_measures_and_0_where_nothing_is_known_of_blocks(tmp_path):
    write_warc(tmp_path / "a.warc.gz", [Response("https://a.example/", PAGE.encode())])
    (tmp_path / "rows.jsonl").write_text(json.dumps({"text": prose(3)}, ensure_ascii=False) + "\n")
    sources = [
        {"name": "web", "kind": "warc", "paths": ["a.warc.gz"]},
        {"name": "rows", "kind": "jsonl", "paths": ["rows.jsonl"]},
    ]
    rules = [{"measure": "link_fraction", "max": 0.1}]
    recipe = Recipe.of({"name": "links", "sources": sources, "quality": {"rules": rules}}, base=tmp_path)
    done = build(recipe, tmp_path / "out", Serial())
    found = japanese_extractor(PAGE)
    query = "select source, m.link_fraction, m.main_text_fraction, reason from documents join measures m using (id) join decisions using (id)"
    assert sorted(done.sql(query).fetchall()) == [
        ("rows", 0.0, 0.0, ""),
        ("web", found.link_fraction, found.main_text_fraction, "link_fraction_high"),
    ]
    assert judge(recipe, Document(text=found.text, link_fraction=0.2))[0].drop.reason == "link_fraction_high"
