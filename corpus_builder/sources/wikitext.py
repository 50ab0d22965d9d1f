"""Wikitext to plain text, following the conventions of Japanese Wikipedia."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import mwparserfromhell
from mwparserfromhell.nodes import Argument, Comment, ExternalLink, Heading, HTMLEntity, Tag, Template, Text, Wikilink

from corpus_builder.messages.surrogates import surrogates_replaced
from corpus_builder.sources.wikitext_repair import MAX_DEPTH, repaired

MAX_CHARS = 2_000_000
"""Longer wikitext is cut off, to bound the work: no article is that long (jawiki's longest have about half a million characters)."""

_END_SECTIONS = {
    "脚注", "注釈", "注", "出典", "参考文献", "参考資料", "参考", "関連項目", "関連文献", "関連書籍", "外部リンク", "外部サイト", "引用",
    "参照", "典拠", "脚注・出典", "注釈・出典", "脚注と出典", "ギャラリー", "画像", "関連リンク", "文献",
}  # fmt: skip
_MEDIA = ("file:", "image:", "ファイル:", "画像:", "category:", "カテゴリ:", "media:", "メディア:")
_PREFIX = re.compile(
    r"^:?(?:[a-z]{2,3}(?:-[a-z]+)*|wikt|wikipedia|commons|help|portal|template|user|special|d|species|wikisource)$", re.I
)
_DROPPED_TAGS = {
    "ref", "references", "gallery", "table", "math", "chem", "ce", "timeline", "imagemap", "score", "hiero", "graph", "mapframe", "maplink",
    "templatestyles", "syntaxhighlight", "source", "rt", "rp", "style", "script", "inputbox", "categorytree", "section",
}  # fmt: skip
_BLOCK_TAGS = {"br", "p", "div", "blockquote", "poem", "center", "hr", "dd", "dt", "li", "ul", "ol", "dl", "tr"}


def wikitext_to_text(wikitext: str, title: str = "") -> str:
    """The prose of an article: one line per paragraph, heading or list item, without notes, tables, images and end matter.

    Formulas are left out, and so are templates, except those that are part of a sentence (`INLINE_TEMPLATES`), and sections
    such as 脚注, 関連項目 and 外部リンク; `title` is not repeated.  Never raises.

    >>> wikitext_to_text("'''猫'''（ねこ、{{lang-en|cat}}）は[[食肉目]]の[[動物]]である<ref>辞典</ref>。\\n\\n== 脚注 ==\\n{{Reflist}}")
    '猫（ねこ、英: cat）は食肉目の動物である。'
    """
    code = mwparserfromhell.parse(repaired(wikitext[:MAX_CHARS]), skip_style_tags=False)
    out: list[str] = []
    _write(code.nodes, out, 0)
    return _tidy("".join(out), title)


def _write(nodes: Any, out: list[str], depth: int) -> None:
    """Append the plain text of some nodes."""
    if depth > MAX_DEPTH:
        return
    for node in nodes:
        if isinstance(node, Text):
            out.append(str(node.value))
        elif isinstance(node, Wikilink):
            _write_link(node, out, depth)
        elif isinstance(node, Template):
            _write_template(node, out, depth)
        elif isinstance(node, Tag):
            _write_tag(node, out, depth)
        elif isinstance(node, ExternalLink):
            if node.title is not None:
                _write(node.title.nodes, out, depth + 1)
        elif isinstance(node, Heading):
            out.append(f"\n\x01{node.level}")
            _write(node.title.nodes, out, depth + 1)
            out.append("\x02\n")
        elif isinstance(node, HTMLEntity):
            out.append(html.unescape(str(node)))
        elif not isinstance(node, (Comment, Argument)):
            out.append(str(node))


def _write_link(link: Any, out: list[str], depth: int) -> None:
    target = str(link.title).strip()
    if target.lower().startswith(_MEDIA):
        return
    prefix, colon, _ = target.partition(":")
    if colon and link.text is None and _PREFIX.match(prefix.strip()):
        if not target.startswith(":"):
            return  # a link to another language's article
        target = target.lstrip(":").partition(":")[2] or target
    if link.text is None:
        out.append(target.lstrip(":").replace("_", " "))
    else:
        _write(link.text.nodes, out, depth + 1)


def _write_tag(tag: Any, out: list[str], depth: int) -> None:
    name = str(tag.tag).strip().lower()
    if name in _DROPPED_TAGS:
        return
    if tag.wiki_markup in ("*", "#", ":", ";"):
        return  # the preceding line break already marks the item
    if name in _BLOCK_TAGS:
        out.append("\n")
    if tag.contents is not None:
        _write(tag.contents.nodes, out, depth + 1)
    if name in _BLOCK_TAGS and name not in ("br", "hr"):
        out.append("\n")


Writer = Callable[[Any, list[str], int], None]


def _argument(*names: str) -> Writer:
    """A writer of the first of these arguments that the template has."""

    def write(template: Any, out: list[str], depth: int) -> None:
        for name in names:
            if template.has(name, ignore_empty=True):
                _write(template.get(name).value.nodes, out, depth + 1)
                return

    return write


def _labelled(label: str) -> Writer:
    def write(template: Any, out: list[str], depth: int) -> None:
        if template.has("1", ignore_empty=True):
            out.append(label)
            _argument("1")(template, out, depth)

    return write


def _reading(template: Any, out: list[str], depth: int) -> None:
    """{{読み仮名|東京|とうきょう}} -> 東京（とうきょう）"""
    _argument("1")(template, out, depth)
    if template.has("2", ignore_empty=True):
        out.append("（")
        _argument("2")(template, out, depth)
        out.append("）")


def _date(template: Any, out: list[str], depth: int) -> None:
    parts = [str(template.get(str(place)).value).strip() for place in (1, 2, 3) if template.has(str(place), ignore_empty=True)]
    out.append("".join(part + unit for part, unit in zip(parts, "年月日", strict=False) if part.isdigit()))


def _number(template: Any, out: list[str], depth: int) -> None:
    """{{convert|5|km|mi}} -> 5 km"""
    parts = [str(template.get(str(place)).value).strip() for place in (1, 2) if template.has(str(place), ignore_empty=True)]
    out.append(" ".join(parts))


_LANGUAGES = {
    "en": "英", "fr": "仏", "de": "独", "it": "伊", "es": "西", "pt": "葡", "ru": "露", "la": "羅", "zh": "中", "ko": "朝", "el": "希",
    "nl": "蘭", "ar": "アラビア語", "pl": "ポーランド語", "tr": "トルコ語", "sv": "スウェーデン語", "fi": "フィンランド語",
}  # fmt: skip
INLINE_TEMPLATES: dict[str, Writer] = {
    **{f"lang-{code}": _labelled(f"{label}: ") for code, label in _LANGUAGES.items()},
    "lang-en-short": _labelled("英: "),
    "lang-en-us-short": _labelled("英: "),
    "en": _labelled("英: "),
    **dict.fromkeys(("lang", "transl", "transliteration", "ipa-all", "color", "font color", "fontcolor"), _argument("2", "1")),
    **dict.fromkeys(("読み仮名", "読み仮名 ruby不使用", "読み仮名_ruby不使用", "ふりがな"), _reading),
    **dict.fromkeys(("仮リンク", "ill", "ill2", "link-interwiki"), _argument("label", "1")),
    **dict.fromkeys(
        ("ruby", "ルビ", "要ルビ", "補助漢字フォント", "jis2004フォント", "cjkv", "unicode", "拡張漢字"), _argument("1")
    ),
    **dict.fromkeys(
        ("nowrap", "small", "smaller", "big", "larger", "strong", "em", "underline", "visible anchor", "vanc"), _argument("1")
    ),
    **dict.fromkeys(("quote", "quotation", "cquote", "blockquote", "行内引用"), _argument("1")),
    **dict.fromkeys(("年月日", "死亡年月日", "開始日", "start date", "和暦"), _date),
    **dict.fromkeys(("convert", "cvt", "val", "単位"), _number),
    "sub": _argument("1"),
    "sup": _argument("1"),
    "要出典範囲": _argument("1"),
    "要検証範囲": _argument("1"),
    "snd": lambda template, out, depth: out.append(" – "),
    "!": lambda template, out, depth: out.append("|"),
    "=": lambda template, out, depth: out.append("="),
}


def _write_template(template: Any, out: list[str], depth: int) -> None:
    name = " ".join(str(template.name).replace("_", " ").split()).lower()
    if writer := INLINE_TEMPLATES.get(name):
        writer(template, out, depth)


_HEADING = re.compile(r"^\x01(\d)(.*?)\x02$")
_EMPTY_BRACKETS = re.compile(r"[（(][\s、，,;；:：・/]*[）)]")
_LEFT_IN_BRACKETS = re.compile(r"(?<=[（(])[\s、，,;；:：・/]++|(?<![\s、，,;；:：・/])[\s、，,;；:：・/]++(?=[）)])")
_LEFTOVER = re.compile(
    r"""
      <ref\b[^<>]*/> | <ref\b[^<>]*>.*?(?:</ref\s*>|$)   # notes that the parser did not recognize
    | </?(?:ref|small|big|center|span|div|font|nowiki|noinclude|includeonly|onlyinclude|br|s|u|i|b|sub|sup|p|blockquote)\b[^<>]*>
    | '{2,} | \[\[ | \]\] | \{\{ | \}\} | \x01 | \x02
    """,
    re.VERBOSE | re.IGNORECASE,
)
MAX_ROUNDS = 20
"""Ours: levels of nested brackets; beyond that, every markup character is removed."""
_MARKUP = re.compile(r"[][{}<>'（）()\x01\x02]")
_COLUMNS = re.compile(r"^\s*(?:[|!]|\{\||\}\}|-{4,})")


def _tidy(text: str, title: str) -> str:
    """Lines of prose, without end sections, empty sections, remains of markup, or brackets that templates left empty."""
    lines: list[str] = []
    skip_below: int | None = None
    headings: list[tuple[int, int]] = []  # (level, index in lines) of headings without text so far
    for raw in text.split("\n"):
        if found := _HEADING.match(raw.strip(" \t")):
            level, name = int(found[1]), _clean(found[2])
            if skip_below is not None and level > skip_below:
                continue
            skip_below = level if name.replace(" ", "") in _END_SECTIONS else None
            while headings and headings[-1][0] >= level:
                del lines[headings.pop()[1] :]
            if skip_below is None and name:
                headings.append((level, len(lines)))
                lines.append(name)
            continue
        if skip_below is not None or _COLUMNS.match(raw):
            continue
        if (line := _clean(raw)) and line != title:
            lines.append(line)
            headings = []
    for _, place in headings[:1]:
        del lines[place:]
    return "\n".join(lines)


def _clean(line: str) -> str:
    line = line.replace("\u200b", "").replace("\ufeff", "")
    before = None
    for _ in range(MAX_ROUNDS):  # a removal can create another match
        if before == line:
            break
        before = line
        line = re.sub(r"^[*#:; \t\u3000]+", "", _LEFTOVER.sub("", line))
        line = _LEFT_IN_BRACKETS.sub("", _EMPTY_BRACKETS.sub("", line))
    else:
        line = _MARKUP.sub("", line)
    line = re.sub(r"[ \t\u00a0]+", " ", line).strip(" \t\u3000")
    return surrogates_replaced(line)
