"""From a page's bytes to its Japanese text, or the reason why it has none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from corpus_builder.document import Drop
from corpus_builder.engine.own_functions import OwnFunctionFailed, UserFunction
from corpus_builder.errors import CorpusError
from corpus_builder.extractor.scan import MAX_BLOCKS, TooManyBlocks
from corpus_builder.japanese.detectors import DEFAULT, JAPANESE, named_detector
from corpus_builder.messages.surrogates import surrogates_replaced
from corpus_builder.pages.bounds import elements, nests_deeper, visible_kana
from corpus_builder.pages.charset import decode
from corpus_builder.pages.extract import MIN_KANA, NoJapaneseText, TooDeep, named_extractor
from corpus_builder.pages.gate import gate


@dataclass(frozen=True)
class PageSettings:
    """A recipe's settings for pages.

    `form`, `readings` and `model` apply to the extractor "japanese" (see `pages.extract.japanese_extractor`); `max_elements` and
    `max_depth` to all others, whose parsers need such limits.  Sizes are in bytes, scores and shares 0..1.
    """

    extractor: str = "japanese"
    form: str = "plain"
    readings: bool = False
    model: Path | None = None
    own: UserFunction | None = None  # the user's own extractor, if already loaded; None: import it from the working directory
    detector: str | UserFunction = DEFAULT  # see japanese/detectors.py
    # Ours: a page that is half Japanese scores about 0.5, give or take 0.1; docs/detection.md has the figures.
    min_japanese_score: float = 0.4
    max_bytes: int = 10 << 20
    max_elements: int = 20_000
    max_depth: int = 256
    max_undecodable: float = 0.01
    language: str = JAPANESE  # of the source; "none": no language test and no gate


@dataclass(frozen=True, slots=True)
class PageText:
    """A Japanese page: `charset` is the Python codec that decoded it; for the others see `Extracted`."""

    title: str
    text: str
    charset: str
    link_fraction: float = 0.0
    main_text_fraction: float = 0.0


def read_page(body: bytes, *, content_type: str, status: int, settings: PageSettings, url: str | None = None) -> PageText | Drop:
    """The text of a page, or why it is dropped; the cheap looks come first.

    The result depends only on the bytes, the settings and, with an extractor of the user's own, on the URL, never on time.  Raises RecipeError for an unknown extractor or
    detector, and OwnFunctionFailed if the user's own extractor or detector raises or returns something else than it should; no page
    makes it raise.
    """
    if drop := _unfit(body, status, content_type, settings):
        return drop
    if settings.language == JAPANESE and (reason := gate(body)):
        return Drop(reason)
    decoded = decode(body, content_type)
    if decoded.undecodable > settings.max_undecodable:
        return Drop("undecodable", decoded.undecodable, settings.max_undecodable, decoded.charset)
    if decoded.mojibake > settings.max_undecodable:
        return Drop("mojibake", decoded.mojibake, settings.max_undecodable, decoded.charset)
    if settings.extractor != "japanese" and (drop := _unparsable(decoded.text, settings)):
        return drop
    min_kana = MIN_KANA if settings.language == JAPANESE else 0
    extractor = named_extractor(settings.extractor, settings.form, settings.readings, settings.model, settings.own, min_kana)
    try:
        found = extractor(decoded.text, url if settings.own else None)
    except (CorpusError, OwnFunctionFailed):
        raise
    except NoJapaneseText as error:
        return Drop("no_japanese_text", error.args[0], MIN_KANA)
    except TooManyBlocks:
        return Drop("too_many_elements", threshold=MAX_BLOCKS)
    except TooDeep:
        return Drop("too_deep", threshold=settings.max_depth)
    except Exception as error:  # whatever a parser raises on odd input
        return Drop("extraction_failed", detail=type(error).__name__)
    text = storable(found.text) if found else ""
    if not found or not text:
        return Drop("extraction_empty")
    if drop := foreign(text, settings):
        return drop
    return PageText(storable(found.title), text, decoded.charset, found.link_fraction, found.main_text_fraction)


def foreign(text: str, settings: PageSettings) -> Drop | None:
    """Why a text is dropped by its source's detector; None if it counts as being in its source's language."""
    score = named_detector(settings.detector, settings.language)(text)
    if score >= settings.min_japanese_score:
        return None
    if settings.language == JAPANESE:
        return Drop("not_japanese", score, settings.min_japanese_score)
    return Drop("not_in_language", score, settings.min_japanese_score, settings.language)


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def storable(text: str) -> str:
    r"""Text that every later step can handle: no lone surrogates or control characters, \n as the only line end,
    no trailing spaces, no empty lines at either end.

    >>> storable("一\r\n二 \n\ud800\x00三")
    '一\n二\n\ufffd三'
    """
    text = surrogates_replaced(text).replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "\n".join(line.rstrip() for line in _CONTROLS.sub("", text).split("\n")).strip("\n")


def storable_field(text: str) -> str:
    r"""A URL, title, date or other field, cleaned like a text by `storable` and put on one line.

    >>> storable_field("題\x1b[31m\n\u2028の\t二\ud800")
    '題[31m の 二\ufffd'
    """
    if text.isascii() and text.isprintable():
        return text
    return re.sub(r"[\n\t]+", " ", storable(text))


_BINARY = (
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"RIFF",
    b"\x1f\x8b",
    b"OggS",
    b"ID3",
    b"wOF",
    b"BM",
    b"%!PS",
)
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|div|p|a|br|h[1-6]|table|tr|td|span|font|center|ul|ol|li|"
    rb"dl|img|frameset|form|article|section|main|header|b|pre|hr)\b",
    re.IGNORECASE,
)
_OTHER_XML = re.compile(rb"<(?:rss|feed|rdf:RDF|urlset|sitemapindex|svg|opml|channel|soap)\b", re.IGNORECASE)


def _unfit(body: bytes, status: int, content_type: str, settings: PageSettings) -> Drop | None:
    if status != 200:
        return Drop("http_status", value=status, threshold=200)
    if not body or body.isspace():
        return Drop("empty_body")
    if len(body) > settings.max_bytes:
        return Drop("too_large", value=len(body), threshold=settings.max_bytes)
    if not is_html(body):
        return Drop("not_html", detail=content_type[:80])
    return None


def is_html(body: bytes) -> bool:
    r"""Whether a body is HTML, judged by its bytes: headers and the crawler's guess are wrong too often to be trusted.

    >>> is_html(b"\n<!-- x --><HTML>"), is_html(b"<?xml version='1.0'?><rss>"), is_html(b"plain text")
    (True, False, False)
    """
    head = body[:65536]
    if b"\0" in head[:256]:
        head = head.replace(b"\0", b"")  # UTF-16
    head = head.lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n\f")
    if head.startswith(_BINARY) or head[:1] in b"{[":
        return False
    found = _MARKUP.search(head)
    if not found:
        return False
    if head[:1] != b"<":
        return found.start() < 1024
    return not _OTHER_XML.search(head, 0, found.start())


def _unparsable(text: str, settings: PageSettings) -> Drop | None:
    count = elements(text)
    if count > settings.max_elements:
        return Drop("too_many_elements", count, settings.max_elements)
    if nests_deeper(text, settings.max_depth):
        return Drop("too_deep", threshold=settings.max_depth)
    kana = visible_kana(text, MIN_KANA)
    if settings.language == JAPANESE and kana < MIN_KANA:
        return Drop("no_japanese_text", kana, MIN_KANA)
    return None
