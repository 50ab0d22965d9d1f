"""Articles of a Wikipedia dump: MediaWiki's export XML, plain or compressed (also multistream bz2), read in bounded memory."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from corpus_builder.document import Drop
from corpus_builder.engine.guard import Reading
from corpus_builder.remote.retries import Stat
from corpus_builder.sources.formats import UNPACKING_ERRORS, opened_unpacked
from corpus_builder.sources.wikitext import wikitext_to_text


@dataclass(frozen=True, slots=True)
class Article:
    """An article as text: `number` is the page id, `date` the timestamp of its revision."""

    number: int
    title: str
    date: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A page that is not an article, or one that cannot be read (then `number` is -1 minus the number of pages before it)."""

    number: int
    title: str
    url: str
    drop: Drop


@dataclass(frozen=True, slots=True)
class PageXml:
    """A `page` element as bytes; `place` counts the pages before it, `base` is the URL prefix of the wiki's pages."""

    place: int
    base: str
    content: bytes


MAX_PAGE_BYTES = 64 << 20
"""Ours: MediaWiki's own limit for a text is 2 MiB.  Memory holds one page and PIECE bytes of a dump, besides the parsed page."""
MAX_TAGS, MAX_TAG_BYTES = 100_000, 1 << 16  # ours: tags per page and bytes per tag, to bound the parsed tree
MAX_TITLE_CHARS = 1000  # MediaWiki allows 255 bytes
PIECE = 1 << 18
_START, _END = b"<page>", b"</page>"
_ROOT = re.compile(rb"\s*(?:<\?[^>]*>\s*|<![^>]*>\s*)*<(?:[\w.-]+:)?([\w.-]+)")
_BASE = re.compile(rb"<base>([^<]{1,1000})</base>")
_TAG = re.compile(rb"""<[A-Za-z/](?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+>""")
_REDIRECT = re.compile(r"\s*#\s*(?:redirect|転送|リダイレクト)\s*:?\s*\[\[", re.IGNORECASE)
_DISAMBIGUATION = re.compile(
    r"\{\{\s*(?:aimai|曖昧さ回避|あいまいさ回避|disambig(?:uation)?|dab|人名の曖昧さ回避|地名の曖昧さ回避|同名の地名|学校名の曖昧さ回避|山の曖昧さ回避|"
    r"hndis|mathdab|人名曖昧さ回避)\s*(?:\||\}\})"
    r"|__DISAMBIG__",
    re.IGNORECASE,
)


def read_wikipedia(path: str | Path, stat: Stat | None = None) -> Iterator[Article | Skipped]:
    """Every page of a dump, as an article or with the reason why it is none.

    `path` may be an https:// or s3:// address; `stat` then pins the version.  Raises InputError if there is no such file.
    A broken page is skipped; a broken dump yields what can be read, then one Skipped.
    """
    for page in read_pages(path, stat):
        yield page if isinstance(page, Skipped) else understood(page)


def read_pages(path: str | Path, stat: Stat | None = None, reading: Reading | None = None) -> Iterator[PageXml | Skipped]:
    """Every page of a dump as bytes; see `read_wikipedia`.  `reading` is kept informed of the number of pages read."""
    with opened_unpacked(path, stat) as (file, _):
        yield from _Pages(file, reading or Reading()).all()


class _Pages:
    """The `page` elements of a dump, found by their tags: MediaWiki writes these without attributes, and escapes them in texts."""

    def __init__(self, file: IO[bytes], reading: Reading) -> None:
        self._file, self._reading = file, reading
        self._held = bytearray()
        self._passed = 0  # decompressed bytes before those in `_held`
        self.pages = 0
        self._base = "https://ja.wikipedia.org/wiki/"

    def all(self) -> Iterator[PageXml | Skipped]:
        """The pages in order, including those that cannot be read."""
        try:
            if not self._reading.at(0):
                self._open()
            while (page := self._next()) is not None:
                self.pages += 1
                yield page
        except (ValueError, *UNPACKING_ERRORS) as error:
            yield self._end("dump_damaged" if self.pages else "not_a_dump", f"{str(error)[:200]} (after byte {self._passed})")
            return
        if crash := self._reading.broken.get(self.pages):
            reason = "reading_endless" if crash.endless else "reading_crashed"
            yield self._end(reason, f"{crash.how} after byte {self._passed} of what the dump unpacks to")
        elif not self.pages:
            yield self._end("not_a_dump", "no page in it")

    def _end(self, reason: str, detail: str) -> Skipped:
        return Skipped(-1 - self.pages, "", "", Drop(reason, value=self.pages, detail=detail))

    def _open(self) -> None:
        """Read the start of the dump; raises ValueError if the file is not one."""
        while len(self._held) < PIECE and self._more():
            pass
        root = _ROOT.match(self._held)
        if not root or root[1] != b"mediawiki":
            raise ValueError(
                f"its root element is {root[1].decode('latin-1')[:40]!r}, not 'mediawiki'" if root else "it is no XML"
            )
        if base := _BASE.search(self._held):
            self._base = _base(html.unescape(base[1].decode("utf-8", "replace"))) or self._base

    def _next(self) -> PageXml | Skipped | None:
        """The next page; None at the end, or where reading cannot continue."""
        if self._reading.at(self.pages):
            return None
        if not self._find(_START):
            if self.pages and b"</mediawiki" not in self._held:
                raise ValueError("the dump ends without </mediawiki>")
            return None
        looked = 0
        while (end := self._held.find(_END, looked)) < 0:
            looked = max(len(self._held) - len(_END), 0)
            if looked > MAX_PAGE_BYTES:
                self._pass(max(self._held.rfind(_START, len(_START)), len(_START)))
                self._find(_START)
                return self._damaged(f"it has more than {MAX_PAGE_BYTES >> 20} MiB")
            if not self._more():
                raise ValueError("the dump ends inside a page")
        last = self._held.rfind(_START, len(_START), end)
        if last > 0:  # the end of a page is lost; the next one may be intact
            self._pass(last)
            return self._damaged("another page starts within it")
        content = bytes(self._held[: end + len(_END)])
        self._pass(len(content))
        return PageXml(self.pages, self._base, content)

    def _damaged(self, detail: str) -> Skipped:
        return Skipped(-1 - self.pages, "", "", Drop("page_damaged", detail=f"{detail} (before byte {self._passed})"))

    def _find(self, tag: bytes) -> bool:
        """Skip what comes before a tag; False if there is no such tag."""
        while (found := self._held.find(tag)) < 0:
            self._pass(max(len(self._held.rstrip()) - 20, 0))
            if not self._more():
                return False
        self._pass(found)
        return True

    def _pass(self, size: int) -> None:
        del self._held[:size]
        self._passed += size

    def _more(self) -> bool:
        piece = self._file.read(PIECE)
        self._held += piece
        return bool(piece)


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _base(url: str) -> str:
    """The URL prefix, such as https://ja.wikipedia.org/wiki/, from the URL of the main page; "" if that is not a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}/wiki/" if parts.netloc else ""


def understood(page: PageXml) -> Article | Skipped:
    """Parse a page into an article, or say why it is not one."""
    try:
        for number, tag in enumerate(_TAG.finditer(page.content), 1):
            if number > MAX_TAGS or len(tag[0]) > MAX_TAG_BYTES:
                raise ValueError(f"it has more than {MAX_TAGS} tags, or a tag of more than {MAX_TAG_BYTES} bytes")
        return _page(ElementTree.fromstring(page.content), page.base)
    except (ElementTree.ParseError, ValueError) as error:
        return Skipped(-1 - page.place, *named(page), Drop("page_damaged", detail=str(error)[:200]))


def named(page: PageXml) -> tuple[str, str]:
    """Title and URL of a page that cannot be parsed; "" if not found."""
    found = re.search(rb"<title>([^<]{1,1000})</title>", page.content[: 1 << 14])
    title = html.unescape(found[1].decode("utf-8", "replace")) if found else ""
    return title, _url(page.base, title) if title else ""


def _url(base: str, title: str) -> str:
    return base + quote(title.replace(" ", "_"), safe="/:;@$!*(),~", errors="replace")


def _page(page: Any, base: str) -> Article | Skipped:
    fields = {_name(child): child for child in page}
    revisions = [child for child in page if _name(child) == "revision"]
    revision = {_name(child): child.text or "" for child in (revisions[-1] if revisions else ())}
    title = _text(fields, "title")[:MAX_TITLE_CHARS]
    number = _number(fields, "id")
    url = _url(base, title)
    wikitext = revision.get("text", "")
    if drop := _no_article(fields, revision, wikitext):
        return Skipped(number, title, url, drop)
    text = wikitext_to_text(wikitext, title)
    if not text:
        return Skipped(number, title, url, Drop("empty_article"))
    return Article(number, title, revision.get("timestamp", "")[:40], url, text)


def _number(fields: dict[str, Any], name: str) -> int:
    """An integer field; 0 if it is missing.  Raises ValueError for anything else."""
    value = _text(fields, name)
    if not re.fullmatch(r"-?\d{1,15}|", value, re.ASCII):
        raise ValueError(f"its <{name}> is {value[:40]!r}")
    return int(value or 0)


def _text(fields: dict[str, Any], name: str) -> str:
    return (fields[name].text or "").strip() if name in fields else ""


def _no_article(fields: dict[str, Any], revision: dict[str, str], wikitext: str) -> Drop | None:
    if namespace := _number(fields, "ns"):
        return Drop("not_article", value=float(namespace))
    if "redirect" in fields or _REDIRECT.match(wikitext):
        return Drop("redirect", detail=(fields["redirect"].get("title", "") if "redirect" in fields else wikitext)[:80])
    if revision.get("model", "wikitext") != "wikitext":
        return Drop("not_wikitext", detail=revision["model"][:80])
    if _DISAMBIGUATION.search(wikitext):
        return Drop("disambiguation")
    return None
