"""A dump gives every page once, as an article or with a reason, and a broken one what can be read."""

import bz2
import gzip

import pytest
from support.corpora import write_wikipedia

from corpus_builder.errors import InputError
from corpus_builder.sources import wikipedia
from corpus_builder.sources.wikipedia import Article, Skipped, read_wikipedia

ARTICLES = [
    (5, "港町", "'''港町'''は町である。"),
    (9, "港", "#転送 [[港町]]"),
    (10, "Harbour", "#REDIRECT [[港町]]"),
    (11, "橋 (曖昧さ回避)", "'''橋'''\n* [[橋]]\n{{aimai}}"),
    (12, "空", "{{stub}}"),
    (13, "東 京/都", "東京の話。"),
]


@pytest.fixture
def dump(tmp_path):
    return write_wikipedia(tmp_path / "jawiki.xml.bz2", ARTICLES)


def test_every_page_is_an_article_or_has_a_reason(dump):
    found = list(read_wikipedia(dump))
    assert [page.drop.reason if isinstance(page, Skipped) else page.text for page in found] == [
        "港町は町である。",
        "redirect",
        "redirect",
        "disambiguation",
        "empty_article",
        "東京の話。",
    ]
    assert [page.number for page in found] == [5, 9, 10, 11, 12, 13]
    assert found[0] == Article(
        5, "港町", "2025-03-01T00:00:00Z", "https://ja.wikipedia.org/wiki/%E6%B8%AF%E7%94%BA", "港町は町である。"
    )
    assert found[5].url == "https://ja.wikipedia.org/wiki/%E6%9D%B1_%E4%BA%AC/%E9%83%BD"


def test_other_namespaces_and_models_are_skipped(dump):
    xml = bz2.decompress(dump.read_bytes()).decode()
    xml = xml.replace("<ns>0</ns><id>5</id>", "<ns>10</ns><id>5</id>")
    xml = xml.replace("<model>wikitext</model>", "<model>javascript</model>").replace("#転送", "転送").replace("#REDIRECT", "")
    dump.write_bytes(bz2.compress(xml.encode()))
    assert [page.drop.reason for page in read_wikipedia(dump)] == ["not_article"] + ["not_wikitext"] * 5


def test_the_file_is_known_by_its_bytes(dump, tmp_path):
    xml = bz2.decompress(dump.read_bytes())
    half = len(xml) // 2
    (tmp_path / "plain").write_bytes(xml)
    (tmp_path / "gz").write_bytes(gzip.compress(xml, mtime=0))
    (tmp_path / "multistream").write_bytes(bz2.compress(xml[:half]) + bz2.compress(xml[half:]))
    expected = list(read_wikipedia(dump))
    assert [list(read_wikipedia(tmp_path / name)) for name in ("plain", "gz", "multistream")] == [expected] * 3


@pytest.mark.parametrize("name", ["bz2", "gz", "plain"])
def test_a_dump_cut_off_gives_what_can_be_read(tmp_path, name):
    many = write_wikipedia(tmp_path / "whole.xml.bz2", [(n, f"港{n}", f"港{n}の話。" * 400) for n in range(1, 300)])
    xml = bz2.decompress(many.read_bytes())
    packed = {
        "bz2": b"".join(bz2.compress(xml[i : i + 100_000]) for i in range(0, len(xml), 100_000)),
        "gz": gzip.compress(xml, mtime=0),
        "plain": xml,
    }
    (tmp_path / "cut").write_bytes(packed[name][: len(packed[name]) * 2 // 3])
    *pages, last = read_wikipedia(tmp_path / "cut")
    assert 100 < len(pages) < 299
    assert all(isinstance(page, Article) for page in pages)
    assert (last.drop.reason, last.drop.value) == ("dump_damaged", len(pages))


@pytest.mark.parametrize("content", [b"", b"no dump at all", b"<html><body>x</body></html>", b"<mediawiki></mediawiki>"])
def test_what_is_no_dump_is_counted(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert [page.drop.reason for page in read_wikipedia(tmp_path / "file")] == ["not_a_dump"]


def test_a_missing_dump_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        list(read_wikipedia(tmp_path / "nothing.xml.bz2"))


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ("<ns>0</ns><id>9</id>", "<ns>x</ns><id>9</id>", "its <ns> is 'x'"),
        ("<ns>0</ns><id>9</id>", f"<ns>0</ns><id>{'9' * 5000}</id>", f"its <id> is '{'9' * 40}'"),
        ("<ns>0</ns><id>9</id>", "<ns>0</ns><id>９</id>", "its <id> is '９'"),
        ("<ns>0</ns><id>9</id>", "<ns>&bomb;</ns><id>9</id>", "undefined entity: line 1"),
        ("<ns>0</ns><id>9</id>", "<ns>0</n><id>9</id>", "mismatched tag: line 1"),
    ],
)
def test_a_page_that_is_broken_costs_that_page(dump, old, new, detail):
    expected = list(read_wikipedia(dump))
    xml = bz2.decompress(dump.read_bytes()).decode()
    assert old in xml
    dump.write_bytes(bz2.compress(xml.replace(old, new).encode()))
    found = list(read_wikipedia(dump))
    assert [*found[:1], *found[2:]] == [*expected[:1], *expected[2:]]
    assert (found[1].number, found[1].title, found[1].url) == (-2, expected[1].title, expected[1].url)
    assert (found[1].drop.reason, found[1].drop.detail[: len(detail)]) == ("page_damaged", detail)


def test_a_page_without_an_end_costs_that_page(dump):
    expected = list(read_wikipedia(dump))
    xml = bz2.decompress(dump.read_bytes()).decode()
    dump.write_bytes(bz2.compress(xml.replace("</page>", "", 2).encode()))
    found = list(read_wikipedia(dump))
    assert found[1:] == expected[2:]
    assert (found[0].number, found[0].drop.reason) == (-1, "page_damaged")


def test_a_page_that_is_too_large_costs_that_page(dump, monkeypatch):
    expected = list(read_wikipedia(dump))
    xml = bz2.decompress(dump.read_bytes()).decode()
    dump.write_bytes(bz2.compress(xml.replace("#転送", "転送" * 4000).encode()))
    monkeypatch.setattr(wikipedia, "MAX_PAGE_BYTES", 9000)
    monkeypatch.setattr(wikipedia, "PIECE", 500)
    found = list(read_wikipedia(dump))
    assert [*found[:1], *found[2:]] == [*expected[:1], *expected[2:]]
    assert (found[1].number, found[1].drop.reason, found[1].drop.detail[:22]) == (-2, "page_damaged", "it has more than 0 MiB")


@pytest.mark.parametrize("piece", [1, 7, 64, 1000])
def test_how_much_is_read_at_a_time_changes_nothing(dump, monkeypatch, piece):
    expected = list(read_wikipedia(dump))
    monkeypatch.setattr(wikipedia._Pages, "_open", lambda self: None)  # it reads until it has seen the root
    monkeypatch.setattr(wikipedia, "PIECE", piece)
    assert list(read_wikipedia(dump)) == expected
