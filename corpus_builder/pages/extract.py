"""The main text of a page, by an extractor that the recipe names."""

from __future__ import annotations

import html
import importlib
import importlib.metadata
import logging
import re
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

from corpus_builder.engine.user_code import UserFunction, load_function
from corpus_builder.errors import RecipeError, words_of
from corpus_builder.extractor.blocks import HIRAGANAS, KATAKANAS
from corpus_builder.extractor.model import SHIPPED, kept_blocks, load_model, model_digest
from corpus_builder.extractor.scan import TooManyBlocks, scan
from corpus_builder.extractor.typeset import markdown, plain_text
from corpus_builder.pages.bounds import spans

MAX_TITLE_CHARS = 500  # ours: longer ones are a page that forgot to close its title

_TITLE = re.compile(r"<title\b[^>]{0,200}>(.{0,5000}?)</title\s*>", re.IGNORECASE | re.DOTALL)
_WIDE = "\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60"  # characters that are written without spaces between them
_INLINE = r"</?(?:a|abbr|b|big|cite|em|font|i|mark|rb|ruby|s|small|span|strong|u)\b[^<>]{0,500}+>"
# A line break in the source between two wide characters, with inline tags around it, is layout and no space.
_WRAPPED = re.compile(rf"([{_WIDE}](?:{_INLINE})*+)[ \t\r]*+\n\s*+(?=(?:{_INLINE})*+[{_WIDE}])", re.IGNORECASE)
_WBR = re.compile(r"</?wbr\b[^<>]{0,100}>", re.IGNORECASE)  # not known to the parser, which nests what follows in it
# A reading (ruby) over a word, up to its end tag or the next part of the ruby; longer ones are tags that were left open, and stay.
_RUBY = r"</?(?:ruby|rb|rt|rtc|rp)\b"
_READING = re.compile(rf"<r[tp]\b[^<>]{{0,200}}>(?:[^<]|<(?!{_RUBY[1:]})){{0,200}}?(?:</r[tp]\s*>|(?={_RUBY}))", re.IGNORECASE)
_RUBY_TAG = re.compile(r"</?(?:ruby|rb|rtc)\b[^<>]{0,200}>", re.IGNORECASE)
# There a line break is a line break, or nothing to be read.
_KEPT = re.compile(r"<(?:pre|textarea|script|style|listing|xmp)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an extractor returns; `title` may be ""."""

    title: str
    text: str


Extractor: TypeAlias = Callable[[str, str | None], Extracted | None]
"""`extractor(html_text, url)`: the title and main text of a page, None where there is none."""


MIN_KANA = 8  # ours: a page with fewer kana in its text has no Japanese sentence
JAPANESE_VERSION = 1  # of the scanner, the features and the typesetting; a change of the text that they give bumps it


class NoJapaneseText(Exception):
    """The page's text, all of it, has fewer kana than it must; the number is the argument."""


class TooDeep(Exception):
    """The page nests deeper than the parser follows, so that its text would be lost without a word."""


class ParserLimit(Exception):
    """The page goes beyond another limit of the parser, with the same loss."""


class OwnExtractorFailed(Exception):
    """An extractor of the user's own raised something, or returned what is no `Extracted`; the argument says what."""


def named_extractor(
    name: str,
    form: str = "plain",
    readings: bool = False,
    model: Path | None = None,
    own: UserFunction | None = None,
    min_kana: int = MIN_KANA,
) -> Extractor:
    """The extractor of that name: one of `EXTRACTORS`, or the user's own as `module:function`, which `own` is if it is loaded.

    The other arguments are those of `japanese_extractor`, for which alone they are meant.  Raises RecipeError for a name that is
    neither, and InputError for a model that cannot be read.
    """
    if name == "japanese":
        load_model(model or SHIPPED)
        return partial(japanese_extractor, form=form, readings=readings, model=model, min_kana=min_kana)
    if name in EXTRACTORS:
        return EXTRACTORS[name]
    if ":" in name:
        return partial(_own, (own or _loaded(name)).call)
    raise RecipeError(
        f"Unknown extractor {name!r}; known are {', '.join(sorted(EXTRACTORS))}, or a function of your own as module:function."
    )


def _own(call: Extractor, html_text: str, url: str | None) -> Extracted | None:
    """An extractor of the user's own: whatever it raises, or returns by mistake, is told, and no page is dropped for it."""
    try:
        found = call(html_text, url)
    except (NoJapaneseText, TooManyBlocks, TooDeep, ParserLimit):  # of one of ours that it calls
        raise
    except BaseException as error:  # `sys.exit`, too
        raise OwnExtractorFailed(words_of(error)) from error
    if found is None or (isinstance(found, Extracted) and isinstance(found.title, str) and isinstance(found.text, str)):
        return found
    raise OwnExtractorFailed(f"it returned {reprlib.repr(found)}, not Extracted(title, text) with two strings")


def extractor_version(name: str, model: Path | None = None, own: UserFunction | None = None) -> str:
    """What the output of an extractor depends on: versions of libraries, the model, or a digest of the user's module."""
    named_extractor(name, own=own)
    if name == "japanese":
        return f"japanese {JAPANESE_VERSION} {model_digest(model or SHIPPED)}"
    if name in EXTRACTORS:
        return " ".join(f"{package} {importlib.metadata.version(package)}" for package in ("trafilatura", "lxml"))
    return f"{name} {(own or _loaded(name)).digest}"


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
    r"""Main text by this project's own extractor, made for Japanese pages; docs/extractor.md says how well it does.

    `form` is "plain" (a line for each heading, paragraph, list item and table row) or "markdown"; `readings` keeps those of
    ruby in parentheses; `model` is a file of weights instead of the shipped one; `min_kana` is 0 for pages in other languages.  No character of a kept block is lost.
    Raises NoJapaneseText and TooManyBlocks.

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
    return Extracted(title[:MAX_TITLE_CHARS], (markdown if form == "markdown" else plain_text)(found, kept))


def trafilatura_extractor(html_text: str, url: str | None = None, tables: bool = False) -> Extracted | None:
    """Main text by trafilatura's fast mode, without comments and tables, as Swallow corpus v1 takes it; without ruby readings.

    The same page gives the same text whatever was extracted before: trafilatura's deduplication stays off.
    Raises TooDeep, ParserLimit.

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
    "trafilatura_tables": partial(trafilatura_extractor, tables=True),  # keeps pages that are laid out by tables
}


@cache
def _trafilatura() -> tuple[Callable[..., str | None], Any]:
    """trafilatura's function and its module of parsing.

    Imported late, as that takes half a second; its log is turned off, as it speaks of every odd page.
    """
    for name in ("trafilatura", "htmldate", "courlan", "charset_normalizer"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    trafilatura = importlib.import_module("trafilatura")
    return trafilatura.extract, importlib.import_module("trafilatura.utils")


def joined_lines(html_text: str) -> str:
    r"""HTML without the source's line breaks between Japanese characters, which would come out as spaces.

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
    """HTML with words whose readings (ruby) are gone.

    On pages where trafilatura finds no article and takes all text, it writes readings behind their words, each on a line of its own.

    >>> without_ruby("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>と<ruby>子<rt>こ</ruby>")
    '漢字と子'
    """
    return _RUBY_TAG.sub("", _READING.sub("", html_text)) if "<r" in html_text or "<R" in html_text else html_text


def title_of(html_text: str) -> str:
    """The page's <title> on one line, "" where there is none.

    >>> title_of("<title>A &amp; B |\\n  東京</title>")
    'A & B | 東京'
    """
    found = _TITLE.search(html_text)
    return " ".join(html.unescape(found[1]).split())[:MAX_TITLE_CHARS] if found else ""
