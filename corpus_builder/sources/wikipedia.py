"""Articles of a Wikipedia dump: MediaWiki's export XML, plain or packed (bz2 in many streams, too), read in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from corpus_builder.document import Drop
from corpus_builder.remote.patience import Stat
from corpus_builder.sources.formats import UNPACKING_ERRORS, opened_unpacked
from corpus_builder.sources.wikitext import wikitext_to_text

REASONS = {
    "redirect": "the page points to another one",
    "not_article": "the page is in another namespace: a template, a category, a talk page",
    "not_wikitext": "the page's content is of another model than wikitext",
    "disambiguation": "the page tells things of one name apart",
    "empty_article": "no text is left without the markup",
    "dump_damaged": "the dump ends, or is broken, here: what came before is kept",
    "not_a_dump": "the file is no MediaWiki export",
}


@dataclass(frozen=True, slots=True)
class Article:
    """An article as text: `number` is the page id, `date` the time of its revision."""

    number: int
    title: str
    date: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A page that is no article, or the place where the dump is broken (number: pages read before, negative)."""

    number: int
    title: str
    url: str
    drop: Drop


_REDIRECT = re.compile(r"\s*#\s*(?:redirect|転送|リダイレクト)\s*:?\s*\[\[", re.IGNORECASE)
_DISAMBIGUATION = re.compile(
    r"\{\{\s*(?:aimai|曖昧さ回避|あいまいさ回避|disambig(?:uation)?|dab|人名の曖昧さ回避|地名の曖昧さ回避|同名の地名|学校名の曖昧さ回避|山の曖昧さ回避|"
    r"hndis|mathdab|人名曖昧さ回避)\s*(?:\||\}\})"
    r"|__DISAMBIG__",
    re.IGNORECASE,
)


def read_wikipedia(path: str | Path, stat: Stat | None = None) -> Iterator[Article | Skipped]:
    """Every page of a dump, as an article or with the reason why it is none (`REASONS`).

    The dump may lie at https:// or s3://; `stat` is then the version that is meant.  InputError if there is no such file.  A dump that is broken gives what can be read, then one Skipped.
    """
    with opened_unpacked(path, stat) as (file, _):
        yield from _pages(file)


def _pages(file: IO[bytes]) -> Iterator[Article | Skipped]:
    pages = 0
    base = "https://ja.wikipedia.org/wiki/"
    try:
        for kind, element in _elements(file):
            if kind == "base":
                base = _base(element.text or "") or base
            else:
                pages += 1
                yield _page(element, base)
    except (ElementTree.ParseError, ValueError, *UNPACKING_ERRORS) as error:
        reason = "dump_damaged" if pages else "not_a_dump"
        yield Skipped(-1 - pages, "", "", Drop(reason, value=pages, detail=str(error)[:200]))
        return
    if not pages:
        yield Skipped(-1, "", "", Drop("not_a_dump", detail="no page in it"))


def _elements(file: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """The `base` and `page` elements, each freed after it was looked at."""
    root: Any = None
    for event, element in ElementTree.iterparse(file, events=("start", "end")):
        if root is None:
            root = element
            if _name(root) != "mediawiki":
                raise ValueError(f"its root element is {_name(root)!r}, not 'mediawiki'")
        if event == "end" and _name(element) in ("base", "page"):
            yield _name(element), element
            element.clear()
            if element is not root and _name(element) == "page":
                root.clear()


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _base(url: str) -> str:
    """https://ja.wikipedia.org/wiki/ from the URL of the main page."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/wiki/" if parts.netloc else ""


def _page(page: Any, base: str) -> Article | Skipped:
    fields = {_name(child): child for child in page}
    revisions = [child for child in page if _name(child) == "revision"]
    revision = {_name(child): child.text or "" for child in (revisions[-1] if revisions else ())}
    title = _text(fields, "title")
    number = int(_text(fields, "id") or 0)
    url = base + quote(title.replace(" ", "_"), safe="/:;@$!*(),~")
    wikitext = revision.get("text", "")
    if drop := _no_article(fields, revision, wikitext):
        return Skipped(number, title, url, drop)
    text = wikitext_to_text(wikitext, title)
    if not text:
        return Skipped(number, title, url, Drop("empty_article"))
    return Article(number, title, revision.get("timestamp", ""), url, text)


def _text(fields: dict[str, Any], name: str) -> str:
    return (fields[name].text or "").strip() if name in fields else ""


def _no_article(fields: dict[str, Any], revision: dict[str, str], wikitext: str) -> Drop | None:
    if (namespace := _text(fields, "ns")) not in ("", "0"):
        return Drop("not_article", value=float(namespace))
    if "redirect" in fields or _REDIRECT.match(wikitext):
        return Drop("redirect", detail=fields["redirect"].get("title", "") if "redirect" in fields else wikitext[:80])
    if revision.get("model", "wikitext") != "wikitext":
        return Drop("not_wikitext", detail=revision["model"])
    if _DISAMBIGUATION.search(wikitext):
        return Drop("disambiguation")
    return None
