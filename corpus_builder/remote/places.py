"""A file's place, as a string: a local path, an https:// (or http://) URL, or s3://bucket/key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from corpus_builder.errors import InputError
from corpus_builder.messages.redact import without_login

_REMOTE = re.compile(r"(?:https?|s3)://", re.IGNORECASE)
_SIGNED_KEY = re.compile(r"[?&](?:x-amz-[a-z-]+|awsaccesskeyid|signature|expires|x-id|response-[a-z-]+)=", re.IGNORECASE)
_OTHER = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_remote(place: str | Path) -> bool:
    """Whether a place is remote.

    >>> is_remote("s3://commoncrawl/crawl-data/CC-MAIN-2024-51/warc.paths.gz"), is_remote("data/web.warc.gz")
    (True, False)
    """
    return isinstance(place, str) and bool(_REMOTE.match(place))


def check_scheme(place: str) -> None:
    """Raise InputError for a URL with an unsupported scheme, such as ftp:// or hdfs://, and for one that is invalid or whose login is misread."""
    if place[:5].lower() == "s3://":
        bucket_and_key(place)
    try:
        urlsplit(place)
    except ValueError:
        if is_remote(place):
            raise InputError(
                f"{shown(place)!r} is not a valid URL; correct it (in logins, write % / ? # and @ as %25 %2F %3F %23 %40)."
            ) from None
    if _OTHER.match(place) and not is_remote(place):
        raise InputError(
            f"{shown(place)} cannot be read: only paths, https://, http:// and s3:// are supported; download it and name the local file."
        )


@lru_cache(maxsize=256)  # called for every record
def name_of(place: str | Path) -> str:
    """The file's name, without the directory and without a URL's query.

    >>> name_of("https://data.example/crawl/%E7%8C%AB.warc.gz?token=1")
    '猫.warc.gz'
    """
    if not is_remote(place):
        return Path(place).name
    parts = urlsplit(str(place))
    path = str(place).partition("://")[2] if parts.scheme.lower() == "s3" else unquote(parts.path)  # a key may contain ? and #
    return path.rpartition("/")[2]


def names_of(places: Sequence[str]) -> list[str]:
    """A unique name for each file: its own name, preceded by as few directories as needed where several files share it.

    A directory that contains all files is never needed, so the names do not depend on where it is.  A place that occurs twice
    gets the same name twice.

    >>> names_of(["/data/2024/web/a.jsonl", "/data/2025/web/a.jsonl", "/data/a.jsonl", "/data/2025/b.jsonl"])
    ['2024/web/a.jsonl', '2025/web/a.jsonl', 'a.jsonl', 'b.jsonl']
    """
    same: dict[str, set[str]] = {}
    for place in places:
        same.setdefault(name_of(place), set()).add(place)
    names = {}
    for group in same.values():
        ways = {place: _parts(place) for place in group}
        columns = [set(parts) for parts in zip(*ways.values(), strict=False)]
        shared = next((n for n, parts in enumerate(columns) if len(parts) > 1), len(columns) - 1)
        ways = {place: way[shared:] for place, way in ways.items()}
        names.update({place: "/".join(way) for place, way in ways.items()})
        for length in range(max(map(len, ways.values())) - 1, 0, -1):
            ends = Counter(tuple(way[-length:]) for way in ways.values())
            names.update({place: "/".join(way[-length:]) for place, way in ways.items() if ends[tuple(way[-length:])] == 1})
    return [names[place] for place in places]


def _parts(place: str) -> list[str]:
    """The directories and the name of a file; a server counts as a directory."""
    if not is_remote(place):
        return list(Path(place).absolute().parts)
    scheme, _, path = str(place).partition("://")
    if scheme.lower() != "s3":
        parts = urlsplit(place)
        path = f"{parts.hostname or ''}{unquote(parts.path)}"
    return [part for part in path.split("/") if part not in ("", ".", "..")]


def shown(place: str | Path) -> str:
    """A place as shown in errors, logs and files: without login and query, which may be secret.

    >>> shown("https://me:secret@data.example/web.warc.gz?signature=1")
    'https://data.example/web.warc.gz'
    """
    return without_login(str(place))


def without_user(url: str) -> str:
    """A URL without user and password, for requests, which send these in a header.

    >>> without_user("https://me:secret@data.example/web.warc.gz?signature=1")
    'https://data.example/web.warc.gz?signature=1'
    """
    scheme, slashes, rest = url.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return f"{scheme}{slashes}{rest[host.rfind('@') + 1 :]}"


_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


def content_range(header: str) -> tuple[int, int, int] | None:
    """First byte, last byte and total length from a Content-Range header; None if it does not give them.

    >>> content_range("bytes 0-0/1234"), content_range("bytes 5-4/9"), content_range("bytes 0-0/" + "9" * 5_000)
    ((0, 0, 1234), None, None)
    """
    found = _CONTENT_RANGE.fullmatch(header)
    first, last, size = map(int, found.groups()) if found else (0, -1, 0)
    return (first, last, size) if first <= last < size else None


def joined(base: str, path: str) -> str:
    """A path below a remote base; a path that is itself a URL is returned unchanged.

    >>> joined("https://data.commoncrawl.org", "crawl-data/a.warc.gz")
    'https://data.commoncrawl.org/crawl-data/a.warc.gz'
    """
    if is_remote(path):
        return path
    base, mark, query = base.partition("?") if base[:2].lower() != "s3" else (base, "", "")  # a base may carry a signature
    return f"{base.rstrip('/')}/{path.lstrip('/')}{mark}{query}"


def beside(place: str, suffix: str) -> str:
    """The file in the same directory whose name has a suffix appended.

    >>> beside("https://data.example/a.warc.gz?token=1", ".parquet")
    'https://data.example/a.warc.gz.parquet?token=1'
    """
    path, mark, query = place.partition("?") if is_remote(place) and place[:2].lower() != "s3" else (place, "", "")
    return f"{path}{suffix}{mark}{query}"


def bucket_and_key(place: str) -> tuple[str, str]:
    """The two parts of s3://bucket/key; raises InputError if there is no bucket.

    >>> bucket_and_key("s3://commoncrawl/crawl-data/warc.paths.gz")
    ('commoncrawl', 'crawl-data/warc.paths.gz')
    """
    bucket, _, key = place.partition("://")[2].partition("/")
    if not bucket:
        raise InputError(f"{shown(place)!r} names no bucket; write s3://BUCKET/KEY.")
    if "@" in bucket or ":" in bucket or _SIGNED_KEY.search(key):
        raise InputError(
            f"{shown(place)} contains a login or a signature, which s3:// does not accept: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; or give the whole signed URL, which begins with https://."
        )
    return bucket, key
