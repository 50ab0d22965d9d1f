"""Wikitext made fit for the parser, whose time is unbounded where tags, braces and brackets are not closed."""

from __future__ import annotations

import re

MAX_DEPTH = 40
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|__[A-Z]+__", re.DOTALL)
_UNSEEN = re.compile(
    r"<(ref|math|chem|ce|gallery|timeline|score|imagemap|references)\b[^<>]*?(?:/>|(?<!/)>(?:(?!<\1\b).)*?</\1\s*>)",
    re.DOTALL | re.IGNORECASE,
)
_OPEN_NOTE = re.compile(r"<ref\b[^<>]*>[^\n]*", re.IGNORECASE)  # a note that is not closed extends to the end of its line
_FORMAT = re.compile(r"</?(?:ref|small|big|center|span|font|s|u|i|b|em|strong|sub|sup|abbr|noinclude|includeonly)\b[^<>]*>", re.I)
_EXTERNAL = re.compile(r"\[(?:https?:|ftp:)?//[^\s\[\]<>]++[ \t]*+([^\[\]\n]*+)\]")  # [http://... link text]
_EXTERNAL_OPEN = re.compile(r"\[(?=(?:https?:|ftp:)?//)")
_SLASHES = re.compile(r"/{3,}+")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s<>/]*+)([^<>]*+)>")
_ALONE = {"br", "hr", "wbr", "img", "li", "dd", "dt", "references", "templatestyles", "section"}  # tags without a closing tag
MAX_TAGS = 2_000
"""Beyond this number, all tags are removed before parsing."""


def repaired(wikitext: str) -> str:
    """Wikitext without comments, magic words, notes, formulas, formatting tags and tables, and with nothing unpaired in it."""
    text = _FORMAT.sub("", _OPEN_NOTE.sub("", _UNSEEN.sub("", _COMMENT.sub("", wikitext))))
    text = _EXTERNAL_OPEN.sub("", _EXTERNAL.sub(r"\1", text))
    text = _SLASHES.sub("//", text)
    return _paired(_paired_tags(_without_tables(text)))


def _paired_tags(text: str) -> str:
    """The text without unpaired tags, and with every "<" that starts no tag escaped.

    The parser tries every "<" up to the end of the text and backtracks: its time is quadratic in the unclosed tags, or worse.
    """
    tags = list(_TAG.finditer(text))
    sound: set[int] = set()
    open_: dict[str, list[int]] = {}
    for place, tag in enumerate(tags):
        name = tag[2].lower()
        if not tag[1] and (tag[3].endswith("/") or name in _ALONE):
            sound.add(place)
        elif not tag[1]:
            open_.setdefault(name, []).append(place)
        elif open_.get(name):
            sound |= {place, open_[name].pop()}
    if len(tags) > MAX_TAGS:
        sound = set()
    out, last = [], 0
    for place, tag in enumerate(tags):
        out += [text[last : tag.start()].replace("<", "&lt;"), tag[0] if place in sound else ""]
        last = tag.end()
    return "".join([*out, text[last:].replace("<", "&lt;")])


_BRACES = re.compile(r"\{\{|\}\}|\[\[|\]\]")


def _paired(text: str) -> str:
    """The text without double braces and brackets that are unpaired, or nest deeper than MAX_DEPTH.

    The parser tries each of them up to the end of the text, which takes minutes if thousands are unclosed.
    """
    alone: list[tuple[int, int]] = []
    open_: list[re.Match[str]] = []
    for mark in _BRACES.finditer(text):
        if mark[0] in ("{{", "[["):
            open_.append(mark)
            continue
        partner = "{{" if mark[0] == "}}" else "[["
        if partner not in (before[0] for before in open_[-3:]):
            alone.append(mark.span())
            continue
        while open_[-1][0] != partner:
            alone.append(open_.pop().span())
        start = open_.pop()
        if len(open_) >= MAX_DEPTH:
            alone += [start.span(), mark.span()]
    alone += [mark.span() for mark in open_]
    if not alone:
        return text
    out, last = [], 0
    for start_, stop in sorted(alone):
        out.append(text[last:start_])
        last = stop
    return "".join([*out, text[last:]])


def _without_tables(text: str) -> str:
    """Remove {| ... |} with everything nested in it; an unclosed one ends with its paragraph."""
    out, depth, last = [], 0, 0
    for mark in re.finditer(r"^[ \t:*#]*\{\||^[ \t]*\|\}(?!\})", text, re.MULTILINE):
        opens = mark[0].endswith("{|")
        if opens:
            if depth == 0:
                out.append(text[last : mark.start()])
                last = mark.start()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                last = mark.end()
    rest = text[last:]
    if depth:
        rest = rest.partition("\n\n")[2]
    return "".join([*out, rest])
