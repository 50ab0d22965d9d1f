"""The extractors of main text that a recipe can name."""

from __future__ import annotations

import html
import importlib
import importlib.metadata
import logging
import re
import reprlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

from corpus_builder.engine.own_functions import OwnFunctionFailed, UserFunction, load_function
from corpus_builder.errors import RecipeError, words_of
from corpus_builder.extractor.blocks import CHARS, HIRAGANAS, KATAKANAS, LINKED
from corpus_builder.extractor.model import SHIPPED, kept_blocks, load_model, model_digest
from corpus_builder.extractor.scan import TooManyBlocks, scan
from corpus_builder.extractor.typeset import markdown, plain_text
from corpus_builder.pages.bounds import spans

MAX_TITLE_CHARS = 500  # ours: a longer title was not closed

_TITLE = re.compile(r"<title\b[^>]{0,200}>(.{0,5000}?)</title\s*>", re.IGNORECASE | re.DOTALL)
_WIDE = "\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60"  # scripts written without spaces between words
_INLINE = r"</?(?:a|abbr|b|big|cite|em|font|i|mark|rb|ruby|s|small|span|strong|u)\b[^<>]{0,500}+>"
# A line break in the source between two wide characters, perhaps with inline tags around it, is layout, not a space.
_WRAPPED = re.compile(rf"([{_WIDE}](?:{_INLINE})*+)[ \t\r]*+\n\s*+(?=(?:{_INLINE})*+[{_WIDE}])", re.IGNORECASE)
_WBR = re.compile(r"</?wbr\b[^<>]{0,100}>", re.IGNORECASE)  # unknown to the parser, which nests what follows inside it
# A reading (ruby) above a word, up to its end tag or the next part of the ruby; longer ones are unclosed tags, and stay.
_RUBY = r"</?(?:ruby|rb|rt|rtc|rp)\b"
_READING = re.compile(rf"<r[tp]\b[^<>]{{0,200}}>(?:[^<]|<(?!{_RUBY[1:]})){{0,200}}?(?:</r[tp]\s*>|(?={_RUBY}))", re.IGNORECASE)
_RUBY_TAG = re.compile(r"</?(?:ruby|rb|rtc)\b[^<>]{0,200}>", re.IGNORECASE)
# Elements in which a line break is a real line break, or whose content is not text.
_KEPT = re.compile(r"<(?:pre|textarea|script|style|listing|xmp)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an extractor returns; `title` may be "".  If it knows the page's blocks: the share of the text's characters that are links,
    and the share of the page's characters that are in the text."""

    title: str
    text: str
    link_fraction: float = field(default=0.0, repr=False)
    main_text_fraction: float = field(default=0.0, repr=False)


Extractor: TypeAlias = Callable[[str, str | None], Extracted | None]
"""`extractor(html_text, url)` returns the title and main text of a page; None if it has none."""


_REMEDY = "Let it return None for a page that it cannot read."
MIN_KANA = 8  # ours: a page with fewer kana in its text has no Japanese sentence
JAPANESE_VERSION = 1  # of the scanner, the features and the typesetting; bump it when their output changes


class NoJapaneseText(Exception):
    """The page's whole text has fewer kana than required; the argument is their number."""


class TooDeep(Exception):
    """The page nests deeper than the parser follows, so its text would be lost silently."""


class ParserLimit(Exception):
    """The page exceeds another limit of the parser, with the same result."""


def named_extractor(
    name: str,
    form: str = "plain",
    readings: bool = False,
    model: Path | None = None,
    own: UserFunction | None = None,
    min_kana: int = MIN_KANA,
) -> Extractor:
    """The extractor with this name: one of `EXTRACTORS`, or the user's own as `module:function` (`own`, if already loaded).

    The other arguments apply only to `japanese_extractor`.  Raises RecipeError for an unknown name, and InputError for a
    model that cannot be read.
    """
    if name == "japanese":
        load_model(model or SHIPPED)
        return partial(japanese_extractor, form=form, readings=readings, model=model, min_kana=min_kana)
    if name in EXTRACTORS:
        return EXTRACTORS[name]
    if ":" in name:
        return partial(_own, own or _loaded(name))
    raise RecipeError(
        f"Unknown extractor {name!r}; use one of {', '.join(sorted(EXTRACTORS))}, or your own function as module:function."
    )


def _own(extractor: UserFunction, html_text: str, url: str | None) -> Extracted | None:
    """Call the user's own extractor; an error or a wrong return value is raised as OwnFunctionFailed, and drops no page."""
    try:
        found = extractor.call(html_text, url)
    except (NoJapaneseText, TooManyBlocks, TooDeep, ParserLimit):  # from a built-in extractor that it calls
        raise
    except BaseException as error:  # also `sys.exit`
        raise OwnFunctionFailed("extractor", extractor.name, words_of(error), _REMEDY) from error
    if found is None or (isinstance(found, Extracted) and isinstance(found.title, str) and isinstance(found.text, str)):
        return found
    wrong = f"it returned {reprlib.repr(found)}, not Extracted(title, text) with two strings"
    raise OwnFunctionFailed("extractor", extractor.name, wrong, _REMEDY)


def extractor_version(name: str, model: Path | None = None, own: UserFunction | None = None) -> str:
    """What an extractor's output depends on: versions of libraries, the model, or a digest of the user's module."""
    named_extractor(name, own=own)
    if name == "japanese":
        return f"japanese {JAPANESE_VERSION} {model_digest(model or SHIPPED)}"
    if name in EXTRACTORS:
        return " ".join(f"{package} {importlib.metadata.version(package)}" for package in ("trafilatura", "lxml"))
    return f"{name}(text, url) {(own or _loaded(name)).digest}"


@cache
def _loaded(name: str) -> Any:
    return load_function(name, Path.cwd())


def japanese_extractor(
    html_text: str,
    url: str | None = None,
    form: str = "plain",
    readings: bool = False,
    model: Path | None = None,
    min_kana: int = MIN_KANA,
) -> Extracted | None:
    r"""Main text by this project's own extractor, made for Japanese pages; docs/extractor.md has its measured quality.

    `form` is "plain" (a line for each heading, paragraph, list item and table row) or "markdown"; `readings` keeps ruby readings,
    in parentheses; `model` is a file of weights that replaces the shipped one; `min_kana` is 0 for pages in other languages.
    No character of a kept block is lost.  Raises NoJapaneseText and TooManyBlocks.

    >>> japanese_extractor("<title>猫</title><body><p>吾輩は猫である。名前はまだ無い。</p><p>どこで生れたかとんと見当がつかぬ。</p>")
    Extracted(title='猫', text='吾輩は猫である。名前はまだ無い。\nどこで生れたかとんと見当がつかぬ。')
    """
    found = scan(html_text.encode("utf-8", "replace"), readings)
    kana = int(found.blocks[:, [HIRAGANAS, KATAKANAS]].sum())
    if kana < min_kana:
        raise NoJapaneseText(kana)
    kept = kept_blocks(found, load_model(model or SHIPPED))
    if not kept.any():
        return None
    title = " ".join(html.unescape(found.title.tobytes().decode("utf-8", "replace")).split())
    text = (markdown if form == "markdown" else plain_text)(found, kept)
    characters = int(found.blocks[kept, CHARS].sum())
    linked, all_ = int(found.blocks[kept, LINKED].sum()), int(found.blocks[:, CHARS].sum())
    return Extracted(title[:MAX_TITLE_CHARS], text, linked / characters, characters / all_)


def trafilatura_extractor(html_text: str, url: str | None = None, tables: bool = False) -> Extracted | None:
    """Main text by trafilatura's fast mode, without comments and tables, as in Swallow corpus v1; without ruby readings.

    A page always gives the same text, whatever was extracted before it: trafilatura's deduplication stays off.
    Raises TooDeep and ParserLimit.

    >>> trafilatura_extractor("<title>猫</title><body><p>吾輩は猫である。</p><p>名前はまだ無い。</p>")
    Extracted(title='猫', text='吾輩は猫である。\\n名前はまだ無い。')
    """
    extract, utils = _trafilatura()
    tree = utils.load_html(joined_lines(without_ruby(_WBR.sub("", html_text))).replace("\0", ""))
    for entry in utils.HTML_PARSER.error_log:
        if entry.type_name == "ERR_RESOURCE_LIMIT":
            raise TooDeep if "depth" in entry.message else ParserLimit
    if tree is None:
        return None
    text = extract(tree, url=url, fast=True, include_comments=False, include_tables=tables)
    return Extracted(title_of(html_text), text) if text else None


EXTRACTORS: dict[str, Extractor] = {
    "japanese": japanese_extractor,
    "trafilatura": trafilatura_extractor,
    "trafilatura_tables": partial(trafilatura_extractor, tables=True),  # keeps pages laid out with tables
}


@cache
def _trafilatura() -> tuple[Callable[..., str | None], Any]:
    """trafilatura's extraction function and its parsing module.

    Imported late, as that takes half a second; its log is turned off, as it reports every odd page.
    """
    for name in ("trafilatura", "htmldate", "courlan", "charset_normalizer"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    trafilatura = importlib.import_module("trafilatura")
    return trafilatura.extract, importlib.import_module("trafilatura.utils")


def joined_lines(html_text: str) -> str:
    r"""HTML without source line breaks between Japanese characters, which would turn into spaces.

    >>> joined_lines("<p>折り返した\n  <b>文</b>\nです<pre>一\n二</pre>")
    '<p>折り返した<b>文</b>です<pre>一\n二</pre>'
    """
    pieces: list[str] = []
    position = 0
    for start, end in spans(html_text, _KEPT):
        pieces += _WRAPPED.sub(r"\1", html_text[position:start]), html_text[start:end]
        position = end
    return "".join([*pieces, _WRAPPED.sub(r"\1", html_text[position:])])


def without_ruby(html_text: str) -> str:
    """HTML without readings (ruby).

    On pages where trafilatura finds no article and takes all text, it writes each reading after its word, on a line of its own.

    >>> without_ruby("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>と<ruby>子<rt>こ</ruby>")
    '漢字と子'
    """
    return _RUBY_TAG.sub("", _READING.sub("", html_text)) if "<r" in html_text or "<R" in html_text else html_text


def title_of(html_text: str) -> str:
    """The page's <title> on one line; "" if there is none.

    >>> title_of("<title>A &amp; B |\\n  東京</title>")
    'A & B | 東京'
    """
    found = _TITLE.search(html_text)
    return " ".join(html.unescape(found[1]).split())[:MAX_TITLE_CHARS] if found else ""
