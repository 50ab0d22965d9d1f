"""Patterns of file names; a name read from a file must match one before it becomes a path, a key or a URL.

A manifest, a receipt, an index or a crawl's table may be damaged, edited, or written by somebody else.  A file name in it must be
below a known directory and have the form that this package gives it; readers refuse everything else, so that no path leads
elsewhere.  The same patterns decide what may be deleted: nothing that has another name.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final
from urllib.parse import quote

LONGEST_STEM = 160  # characters: file systems take 255 bytes, and a suffix follows
_STEM: Final = rf"[A-Za-z0-9_.~%-]{{1,{LONGEST_STEM}}}"  # what `stem_of` returns
TEMPORARY: Final = re.compile(r"\.[0-9a-f]{32}\.tmp")
"""A file that is being written, in any of our directories."""
RECEIPT: Final = re.compile(rf"{_STEM}\.json")
TABLE: Final = re.compile(r"[a-z][a-z0-9_-]*")
"""The directory of one table of a stage."""
TABLE_FILE: Final = re.compile(rf"{_STEM}\.[0-9a-f]{{8}}(\.[a-z0-9]{{1,12}}){{1,2}}")
"""A file of a shard: web-00000.warc.gz.3f9a01bc.parquet."""
SUFFIX: Final = re.compile(r"(\.[a-z0-9]{1,12}){1,2}")
DIGEST: Final = re.compile(r"[0-9a-f]{32}")
SHA256: Final = re.compile(r"[0-9a-f]{64}")
PART: Final = re.compile(r"part-[0-9a-f]{16}")
"""The directory of one part of an index."""
REMOVED: Final = re.compile(r"[0-9a-f]{32}\.npy")
"""The rows that were removed from a shard of an index."""
RELEASED: Final = re.compile(r"(corpus|ledger)/part-[0-9]{5,}\.[0-9a-f]{8}\.parquet")
"""A file of the released corpus, below OUT/release or the place to which it is published."""
SELECTION: Final = re.compile(r"([0-9]{5,}|all)-[0-9a-f]{16}\.(parquet|tmp)")
"""Rows that a crawl selected from its index."""
SORTING: Final = re.compile(r"duckdb_temp_[A-Za-z0-9_.-]+")
"""DuckDB's temporary files next to them while it sorts."""

_PLAIN = re.compile(r"[A-Za-z0-9_=+@,~-][A-Za-z0-9_.=+@,~-]*")
_WARC = re.compile(r"[A-Za-z0-9_=+@,~][A-Za-z0-9_.=+@,~-]{0,180}\.w?arc(\.gz)?", re.IGNORECASE)

_TRICKS = re.compile(r"[\x00-\x1f\x7f\\]")


def is_warc_path(name: object) -> bool:
    """Whether a string is the path of a WARC below a crawl's base, as written by Common Crawl, and nothing else.

    Neither absolute nor a URL, no `..`, no empty or hidden segment, and no character that is special in URLs or terminals.

    >>> is_warc_path("crawl-data/CC-MAIN-2024-51/segments/1733/warc/CC-MAIN-20241201162023-00000.warc.gz")
    True
    >>> [is_warc_path(name) for name in ("../a.warc.gz", "/a.warc.gz", "a//b.warc.gz", "crawl.json", "s3://b/a.warc.gz", "")]
    [False, False, False, False, False, False]
    """
    if not isinstance(name, str) or len(name) > 1_000:
        return False
    *above, last = name.split("/")
    return all(map(_PLAIN.fullmatch, above)) and _WARC.fullmatch(last) is not None


def is_below(name: str) -> bool:
    """Whether a string is a path that stays below its directory: relative, no `..`, no empty segment, no backslash or control character.

    >>> [is_below(name) for name in ("a/b.parquet", "日本/語", "../a", "/a", "a//b", "./a", "", "a\\\\b")]
    [True, True, False, False, False, False, False, False]
    """
    return not _TRICKS.search(name) and not {"", ".", ".."} & set(name.split("/"))


def digest_of(value: Any) -> str:
    """Hex digest of any JSON value, the same in every process (keys sorted, no white space)."""
    packed = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(packed.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def stem_of(shard: str) -> str:
    """A shard's name as part of a file name; long ones (a kana takes nine characters) are cut and made unique by a digest.

    >>> stem_of("2024/a.jsonl"), len(stem_of("長い名前" * 20))
    ('2024%2Fa.jsonl', 160)
    """
    quoted = quote(shard, safe="")
    return quoted if len(quoted) <= LONGEST_STEM else f"{quoted[: LONGEST_STEM - 33]}~{digest_of(shard)}"
