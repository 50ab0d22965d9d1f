"""Charset detection: decodes a page, trusting what the bytes show over what the page declares."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from corpus_builder.pages.mojibake import restore

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]|\x1b\(I")
_SHIFTED_KANA = re.compile(rb"\x0e([\x21-\x5f]+)\x0f")  # half-width kana between shift out and shift in
_HEAD = (
    1 << 16
)  # bytes searched for a declaration: the HTML standard requires it in the first 1024, but pages put scripts before it
_SAMPLE = 8192  # bytes on which the candidates are tried
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_META = re.compile(rb"""<meta\b[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{2,40})""")
_PARAMETER = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)

# Charset names as pages use them (most are labels of the WHATWG Encoding Standard), by the Python codec for what they
# mean in practice: Shift_JIS means Windows' code page 932, ISO-8859-1 means 1252, GB2312 means GB 18030.
_LABELS = {
    "cp932": "shift_jis shift-jis shiftjis sjis x-sjis ms_kanji csshiftjis windows-31j cswindows31j ms932 cp932 x-ms-cp932",
    "euc_jp": "euc-jp euc_jp eucjp x-euc-jp x-euc cseucpkdfmtjapanese eucjp-ms eucjpms euc-jp-ms cp51932",
    "iso2022_jp_ext": "iso-2022-jp iso2022jp iso2022-jp csiso2022jp iso-2022-jp-ms cp50220 cp50221 jis",
    "utf-8": "utf-8 utf8 utf_8 unicode-1-1-utf-8 x-unicode20utf8",
    "utf-16-le": "utf-16 utf-16le ucs-2 unicode csunicode iso-10646-ucs-2",
    "utf-16-be": "utf-16be unicodefffe",
    "cp1252": "iso-8859-1 iso8859-1 latin1 latin-1 l1 us-ascii ascii windows-1252 cp1252 x-cp1252",
    "gb18030": "gb2312 gbk gb18030 x-gbk gb_2312-80 chinese csgb2312 cp936 euc-cn",
    "big5hkscs": "big5 big5-hkscs x-x-big5 cn-big5 csbig5",
    "cp949": "euc-kr ks_c_5601-1987 ksc5601 korean windows-949 cp949 uhc",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded page; `charset` is the Python codec, `undecodable` the share of its characters that are U+FFFD, 0..1.

    For a page that had been decoded wrongly before it was stored, and could be restored, the wrong code page is appended to the
    charset: "utf-8+cp1252".  `mojibake` is the share of its non-ASCII letters that could not be restored, 0..1.
    """

    text: str
    charset: str
    undecodable: float
    mojibake: float = 0.0


def decode(body: bytes, declared: str | None = None) -> Decoded:
    """Decode a page.  `declared` is the HTTP Content-Type header, or a bare charset name, and may be wrong.

    In order: byte order mark, UTF-16 without one, ISO-2022-JP by its escapes, strict UTF-8; then the charsets named by the header,
    the XML declaration and <meta> compete with UTF-8, Shift_JIS and EUC-JP, and the most plausible text wins.  Vendor
    characters (①, ㈱, 髙) are decoded in all three Japanese encodings.  Japanese that was read as Windows' code page 1252 or 932
    and encoded again is restored.  Never raises: bytes that do not decode become U+FFFD.

    >>> decode("①髙島屋～".encode("cp932"), "text/html; charset=Shift_JIS").text
    '①髙島屋～'
    """
    found = _decode(body, declared)
    restored = restore(found.text)
    if not restored.through and not restored.lost:
        return found
    charset = f"{found.charset}+{restored.through}" if restored.through else found.charset
    return Decoded(restored.text, charset, found.undecodable, restored.lost)


def _decode(body: bytes, declared: str | None) -> Decoded:
    for mark, codec in _BOMS:
        if body.startswith(mark) and (found := _decoded(body[len(mark) :], codec)).undecodable < 0.1:
            return found
    if utf16 := utf16_of(body):
        return _decoded(body, utf16)
    if b"\x1b" in body and _ISO_2022_JP.search(body):
        found = _decoded(_SHIFTED_KANA.sub(b"\x1b(I\\1\x1b(B", body), "iso2022_jp_ext")
        if found.undecodable < 0.01:
            return found
    try:
        text = body.decode("utf-8")
        return Decoded(text, "utf-8", text.count("\ufffd") / max(len(text), 1))
    except UnicodeDecodeError as error:
        sample = _sample(body, error.start)
    candidates = _candidates(body, declared)
    codec = min(candidates, key=lambda codec: -_plausibility(sample.decode(codec, "replace")))
    if codec in ("cp932", "euc_jp") and candidates[0] in _NEIGHBOURS and not _has_kana(sample.decode(codec, "replace")):
        codec = candidates[0]
    found = _decoded(body, codec)
    if codec == "euc_jp" and found.undecodable and _has_kana(found.text):
        try:
            return Decoded(body.decode("euc_jis_2004"), "euc_jis_2004", 0.0)
        except UnicodeDecodeError:
            pass
    return found


# Chinese and Korean EUC encodings: their bytes also decode as kanji in EUC-JP, so it takes kana to prefer that to what is declared.
_NEIGHBOURS = ("gb18030", "big5hkscs", "cp949")


def _has_kana(text: str) -> bool:
    """Whether a twentieth of the non-ASCII letters are kana: less than in any Japanese page, more than Chinese bytes produce."""
    return len(_KANA.findall(text)) * 20 >= sum(letter > "\x7f" for letter in text)


def codec_of(name: str) -> str | None:
    """The Python codec for a charset name as used on the web; None for an unknown name.

    >>> codec_of("Shift_JIS"), codec_of("ISO-8859-1"), codec_of("utf8mb4")
    ('cp932', 'cp1252', None)
    """
    name = name.strip().lower()
    for codec, labels in _LABELS.items():
        if name in labels.split():
            return codec
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    # Python knows further names, for transformations (rot13, zip) and codecs that no page uses.
    return found if re.fullmatch(r"iso8859-\d+|cp125\d|cp874|tis-620|koi8-[ru]|mac-\w+|shift_jis\w*|euc_ji\w+", found) else None


def _candidates(body: bytes, declared: str | None) -> list[str]:
    """Codecs to try; declared ones come first, and win a tie."""
    names: list[str] = []
    if declared:
        found = _PARAMETER.search(declared)
        names += [found[1]] if found else [] if "/" in declared else [declared]
    for pattern in (_XML, _META):
        if match := pattern.search(body, 0, _HEAD):
            names.append(match[1].decode("ascii"))
    codecs_named = [codec for name in names if (codec := codec_of(name)) and not codec.startswith(("utf-16", "iso2022"))]
    return list(dict.fromkeys([*codecs_named, "utf-8", "cp932", "euc_jp"]))


def utf16_of(body: bytes) -> str | None:
    """The UTF-16 codec of a page without a byte order mark; None if it is not in UTF-16.

    Every second byte is the high one: zero for ASCII, 0x30 for kana and Japanese punctuation, together more than a seventh of any
    page.  Both are rare among the low bytes.
    """
    head = body[:4096]
    if b"\0" not in head and head.count(b"0") * 8 < len(head):
        return None
    even, odd = head[::2], head[1::2]
    for codec, upper, lower in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        zeros, kana = upper.count(0), upper.count(0x30)
        if 7 * (zeros + kana) >= len(upper) and zeros + kana > 8 * (lower.count(0) + lower.count(0x30)):
            return codec
    return None


def _decoded(body: bytes, codec: str) -> Decoded:
    text = body.decode(codec, _errors(codec))
    return Decoded(text, codec, text.count("\ufffd") / max(len(text), 1))


def _sample(body: bytes, first: int) -> bytes:
    """Up to _SAMPLE bytes around the first one that is invalid in UTF-8; all of a short page.

    A page that was cut off inside its last character is valid UTF-8 up to there, so the bytes before are included.
    """
    if len(body) - first <= _SAMPLE:
        start = min(max(len(body) - _SAMPLE, 0), first)
        while start < first and body[start] & 0xC0 == 0x80:  # inside a character
            start += 1
        return body[start:]
    middle = (first + len(body)) // 2
    start = body.find(b">", middle) + 1 or middle  # in Japanese encodings, > is never the second byte of a character
    return body[first : first + _SAMPLE // 2] + b">" + body[start : start + _SAMPLE // 2]


# ---- how well a text reads --------------------------------------------------------------------------------------------


def _plausibility(text: str) -> float:
    """A score for a decoded text, higher is better: kana and common kanji raise it, typical results of wrong decoding lower it."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return float(_weights()[codes].sum(dtype=np.int64))


@cache
def _weights() -> npt.NDArray[np.int8]:
    """Weight of every code point; ours, chosen so that text decoded with the wrong encoding scores below the right one."""
    weights = np.zeros(0x110000, dtype=np.int8)
    weights[0x80:0xA0] = -6  # C1 controls: Shift_JIS read as a single-byte encoding
    weights[0xA0:0x250] = -1
    weights[0x3001:0x3003] = 3  # 、。
    weights[0x3041:0x3097] = weights[0x30A1:0x30FD] = 3
    weights[0x3400:0xA000] = -2  # uncommon kanji: UTF-8 read as Shift_JIS, Shift_JIS read as GB 18030
    level_1 = bytes(octet for row in range(0xB0, 0xD0) for cell in range(0xA1, 0xFF) for octet in (row, cell))
    weights[[ord(letter) for letter in level_1.decode("euc_jp", "ignore")]] = 1
    weights[0xE000:0xF900] = -2  # private use
    weights[0xFF61:0xFFA0] = -2  # half-width kana: EUC-JP and UTF-8 read as Shift_JIS
    weights[0xFFFD] = -10
    return weights


# ---- characters that vendors added to JIS X 0208 ----------------------------------------------------------------------


def _errors(codec: str) -> str:
    """The error handler for a codec: Python's EUC-JP and ISO-2022-JP lack the Windows characters of rows 13 and 89 to 92."""
    if codec not in ("euc_jp", "iso2022_jp_ext"):
        return "replace"
    name = "corpus_builder.windows_rows"
    try:
        codecs.lookup_error(name)
    except LookupError:
        codecs.register_error(name, _windows_rows)
    return name


def _windows_rows(error: UnicodeError) -> tuple[str, int]:
    """Decode a character by its position in code page 932; U+FFFD if there is none."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    if error.encoding.startswith("iso2022") and 0xA1 <= pair[0] <= 0xDF:  # half-width kana in eight bits
        return chr(pair[0] - 0xA1 + 0xFF61), error.start + 1
    if len(pair) == 2 and (pair[0] ^ pair[1]) < 0x80:
        row, cell = (pair[0] & 0x7F) - 0x21, (pair[1] & 0x7F) - 0x21
        if 0 <= row < 94 and 0 <= cell < 94:
            lead = row // 2 + (0x81 if row < 62 else 0xC1)
            trail = cell + (0x9F if row % 2 else 0x40)
            trail += not row % 2 and trail >= 0x7F
            try:
                return bytes((lead, trail)).decode("cp932"), error.start + 2
            except UnicodeDecodeError:
                pass
    return "\ufffd", max(error.end, error.start + 1)
