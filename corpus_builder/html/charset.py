"""Page bytes to text: which encoding it is, by what the bytes show before what the page says."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]")
_HEAD = 4096  # bytes searched for a declaration; the HTML standard asks for the first 1024
_META = re.compile(rb"""<meta\b[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{2,40})""")
_PARAMETER = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)

# Names of the WHATWG Encoding Standard, and others in use, to the Python codec that decodes what pages mean by them.
_CODECS = {
    **dict.fromkeys(
        [
            "shift_jis",
            "shift-jis",
            "sjis",
            "x-sjis",
            "ms_kanji",
            "csshiftjis",
            "windows-31j",
            "cswindows31j",
            "ms932",
            "cp932",
            "x-ms-cp932",
            "shift_jisx0213",
            "shift_jis-2004",
            "shiftjis",
        ],
        "cp932",
    ),
    **dict.fromkeys(
        ["euc-jp", "euc_jp", "x-euc-jp", "x-euc", "eucjp", "cseucpkdfmtjapanese", "eucjp-ms", "eucjpms", "euc-jp-ms", "cp51932"],
        "euc_jp",
    ),
    **dict.fromkeys(["iso-2022-jp", "iso2022jp", "csiso2022jp", "iso-2022-jp-ms", "cp50220", "cp50221", "jis"], "iso2022_jp_ext"),
    **dict.fromkeys(["utf-8", "utf8", "unicode-1-1-utf-8", "x-unicode20utf8"], "utf-8"),
    **dict.fromkeys(["utf-16", "utf-16le", "ucs-2", "unicode", "csunicode", "iso-10646-ucs-2"], "utf-16-le"),
    "utf-16be": "utf-16-be",
    **dict.fromkeys(
        ["iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "us-ascii", "ascii", "windows-1252", "cp1252", "x-cp1252"],
        "cp1252",
    ),
    **dict.fromkeys(["gb2312", "gbk", "gb18030", "x-gbk", "gb_2312-80", "chinese", "csgb2312", "cp936", "euc-cn"], "gb18030"),
    **dict.fromkeys(["big5", "big5-hkscs", "x-x-big5", "cn-big5", "csbig5"], "big5hkscs"),
    **dict.fromkeys(["euc-kr", "ks_c_5601-1987", "ksc5601", "korean", "windows-949", "cp949", "uhc"], "cp949"),
}
_JAPANESE = ("cp932", "euc_jp", "iso2022_jp_ext")
_DIALECTS = {"cp932": ("cp932", "shift_jis_2004"), "euc_jp": ("euc_jp", "euc_jis_2004")}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page as text; `charset` is the Python codec, `undecodable` the share of its characters that became U+FFFD, 0..1."""

    text: str
    charset: str
    undecodable: float


def decode(body: bytes, declared: str | None = None) -> Decoded:
    """Decode a page.  `declared` is the HTTP Content-Type header, or a bare charset name, and may be wrong.

    In order: byte order mark, UTF-16 without one, ISO-2022-JP escapes, strict UTF-8, then what header, XML declaration and
    <meta> name together with Shift_JIS (as Windows means it) and EUC-JP, whichever decodes best.  Never fails: bytes that do
    not decode become U+FFFD.

    >>> decode("①髙島屋～".encode("cp932"), "text/html; charset=Shift_JIS").text
    '①髙島屋～'
    """
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return _lenient(body[len(mark) :], codec)
    if utf16 := _utf16(body):
        return _lenient(body, utf16)
    if _ISO_2022_JP.search(body) and (found := _iso_2022_jp(body)):
        return found
    try:
        return Decoded(body.decode("utf-8"), "utf-8", 0.0)
    except UnicodeDecodeError:
        pass
    return _best(body, _candidates(body, declared))


def _candidates(body: bytes, declared: str | None) -> list[str]:
    """Codecs to try: what is declared, then UTF-8 and the Japanese ones."""
    names: list[str] = []
    if declared:
        found = _PARAMETER.search(declared)
        names.append(found[1] if found else declared)
    for pattern in (_XML, _META):
        if match := pattern.search(body, 0, _HEAD):
            names.append(match[1].decode("ascii"))
    codecs_named = [codec for name in names if (codec := codec_of(name))]
    return list(dict.fromkeys([*codecs_named, "utf-8", "cp932", "euc_jp"]))


def codec_of(name: str) -> str | None:
    """The Python codec for a charset's name on the web; None for unknown ones.

    >>> codec_of("Shift_JIS"), codec_of("ISO-8859-1"), codec_of("utf8mb4")
    ('cp932', 'cp1252', None)
    """
    name = name.strip().lower()
    if name in _CODECS:
        return _CODECS[name]
    try:
        info = codecs.lookup(name)
    except LookupError:
        return None
    # Codecs that are no character sets (rot13, hex, zip) or that run code for odd input stay out.
    return info.name if info._is_text_encoding and info.name not in ("idna", "punycode", "unicode_escape", "utf-7") else None


def _utf16(body: bytes) -> str | None:
    """UTF-16 without a mark: the zero bytes of its markup lie on one side."""
    head = body[:1024]
    if head.count(0) < len(head) // 4 or len(head) < 16:
        return None
    return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"


def _iso_2022_jp(body: bytes) -> Decoded | None:
    """ISO-2022-JP, if that is what the escapes mean: most of the page must decode."""
    found = _lenient(body, "iso2022_jp_ext")
    return found if found.undecodable < 0.02 else None


def _lenient(body: bytes, codec: str) -> Decoded:
    text = body.decode(codec, "replace")
    return Decoded(text, codec, text.count("\ufffd") / max(len(text), 1))


def _best(body: bytes, candidates: list[str]) -> Decoded:
    """The candidate with the least undecodable and implausible characters; the earlier one where they tie."""
    best: tuple[float, Decoded] | None = None
    for codec in candidates:
        decoded = _lenient(body, codec)
        cost = _implausible(decoded.text)
        if best is None or cost < best[0]:
            best = cost, decoded
        if codec in _DIALECTS and decoded.undecodable:
            for dialect in _DIALECTS[codec][1:]:
                other = _lenient(body, dialect)
                if other.undecodable < decoded.undecodable and (cost := _implausible(other.text)) < best[0]:
                    best = cost, other
    if best is None:  # candidates is never empty
        return _lenient(body, "utf-8")
    return best[1]


_ODD = re.compile(
    "[\ufffd\x80-\x9f\ue000-\uf8ff]"  # undecodable, C1 controls, private use
    "|[\uff61-\uff9f]"  # half-width kana: what UTF-8 and EUC-JP look like when read as Shift_JIS
)
_JAPANESE_TEXT = re.compile("[\u3041-\u3096\u30a1-\u30fa\u3001\u3002]")


def _implausible(text: str) -> float:
    """Odd characters less the everyday Japanese ones; lower is better."""
    sample = text if len(text) < 200_000 else text[:200_000]
    return 3 * len(_ODD.findall(sample)) - len(_JAPANESE_TEXT.findall(sample))
