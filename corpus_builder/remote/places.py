"""Where a file lies, as a string: a path of this machine, an https:// (or http://) URL, or s3://bucket/key."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from corpus_builder.errors import InputError

_REMOTE = re.compile(r"(?:https?|s3)://", re.IGNORECASE)
_OTHER = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_remote(place: str | Path) -> bool:
    """Does the file lie elsewhere?

    >>> is_remote("s3://commoncrawl/crawl-data/CC-MAIN-2024-51/warc.paths.gz"), is_remote("data/web.warc.gz")
    (True, False)
    """
    return isinstance(place, str) and bool(_REMOTE.match(place))


def check_scheme(place: str) -> None:
    """InputError for a URL of a kind that cannot be read, such as ftp:// or hdfs://, and for one that is none."""
    try:
        urlsplit(place)
    except ValueError as error:
        if is_remote(place):
            raise InputError(f"{shown(place)!r} is no URL ({error}); correct it.") from error
    if _OTHER.match(place) and not is_remote(place):
        raise InputError(f"{place} cannot be read: only paths, https://, http:// and s3:// are; download it and name the file.")


@lru_cache(maxsize=256)  # asked for with every record
def name_of(place: str | Path) -> str:
    """The file's name, without the directory and without a URL's query.

    >>> name_of("https://data.example/crawl/%E7%8C%AB.warc.gz?token=1")
    '猫.warc.gz'
    """
    if not is_remote(place):
        return Path(place).name
    parts = urlsplit(str(place))
    path = str(place).partition("://")[2] if parts.scheme.lower() == "s3" else unquote(parts.path)  # a key may hold ? and #
    return path.rpartition("/")[2]


def shown(place: str | Path) -> str:
    """The place as it may stand in an error or a log: without the query and the password, which can be secrets.

    >>> shown("https://me:secret@data.example/web.warc.gz?signature=1")
    'https://data.example/web.warc.gz'
    """
    if not is_remote(place) or str(place)[:2].lower() == "s3":
        return str(place)
    scheme, _, rest = str(place).partition("://")
    host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def joined(base: str, path: str) -> str:
    """A path below a remote base; what is a URL itself stays as it is.

    >>> joined("https://data.commoncrawl.org", "crawl-data/a.warc.gz")
    'https://data.commoncrawl.org/crawl-data/a.warc.gz'
    """
    return path if is_remote(path) else f"{base.rstrip('/')}/{path.lstrip('/')}"


def bucket_and_key(place: str) -> tuple[str, str]:
    """The two parts of s3://bucket/key; InputError where there is no bucket.

    >>> bucket_and_key("s3://commoncrawl/crawl-data/warc.paths.gz")
    ('commoncrawl', 'crawl-data/warc.paths.gz')
    """
    bucket, _, key = place.partition("://")[2].partition("/")
    if not bucket:
        raise InputError(f"{place!r} names no bucket; write s3://BUCKET/KEY.")
    return bucket, key
