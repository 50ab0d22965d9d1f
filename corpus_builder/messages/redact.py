"""Removes logins and signatures from URLs before they are stored or shown, since builds, reports and logs are passed on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_AUTHORITY = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*:)(?P<slashes>//?)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_URL = re.compile(  # a URL that was turned into a path has one slash; matched for known schemes, and for any scheme with a login
    r"\b(?:[a-z][a-z0-9+.-]*://|(?:https?|s3|ftp|gs|hdfs):/|[a-z][a-z0-9+.-]+:/(?=[^\s/@]+@))[^\s<>\"]+", re.IGNORECASE
)
_END = re.compile(r"[\"'`.,;:!)\]}>]*$")
_QUERY = re.compile(r"\?[\w.~%\-\[\]]+=.*", re.DOTALL)  # in S3 keys, where a bare ? is part of a name or a pattern
_PATH = re.compile(r"(/[^\s?\"'<>]*)\?[\w.~%\-\[\]]+=[^\s\"'<>]*")  # "with url: /a?signature=1", as in messages of HTTP clients
_LOGIN = re.compile(r"\b(Basic|Bearer|Credential=|Signature=)(\s*)[A-Za-z0-9+/=._~-]{8,}")
_SIGNED = re.compile(
    r"([?&;](?:x-amz-\w[\w-]*|x-goog-\w[\w-]*|awsaccesskeyid|(?:access_?|secret_?|api_?)?key|\w*token|\w*secret|\w*signature|sig|"
    r"\w*passw(?:or)?d|pwd|auth\w*|credentials?)=)[^\s&#\"'<>]*",
    re.IGNORECASE,
)


def without_login(url: str) -> str:
    """A URL without user, password, query and fragment, which may be secret; any other string unchanged.

    A password that contains / ? # or @ is removed too.  From s3:// only user and query are removed: keys may contain ? and #.

    >>> without_login("https://me:se/cr@et@data.example:8080/web.warc.gz?signature=1#part")
    'https://data.example:8080/web.warc.gz'
    >>> without_login("s3://KEY:SECRET@bucket/2024/w?.warc.gz"), without_login("s3://bucket/a#1?X-Amz-Signature=1")
    ('s3://bucket/2024/w?.warc.gz', 's3://bucket/a#1')
    """
    found = _AUTHORITY.fullmatch(url)
    if not found:
        return url
    rest = _without_user(found["rest"])
    rest = _QUERY.sub("", rest) if found["scheme"][:2].lower() == "s3" else re.split(r"[?#]", rest, maxsplit=1)[0]
    return f"{found['scheme']}{found['slashes']}{rest}"


def _without_user(rest: str) -> str:
    """The part of a URL after the slashes, without user and password."""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in host:
        rest = rest[host.rindex("@") + 1 :]
        host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest and re.search(r":(?!\d*$)", re.sub(r"^\[[^\]]*\]", "", host)):  # what follows the : is not a port
        return rest.rpartition("@")[2]
    return rest


def without_secrets(text: str) -> str:
    """A foreign text, such as a traceback, without the logins and queries of all URLs in it.

    >>> without_secrets("Max retries exceeded with url: /a?sig=1 (http://me:pw@proxy.example:3128/, https://a.example/?b=1).")
    'Max retries exceeded with url: /a (http://proxy.example:3128/, https://a.example/).'
    """

    return _LOGIN.sub(r"\1\2…", _PATH.sub(r"\1", _in_urls(without_login, text)))


def without_known_secrets(text: str) -> str:
    """A message that may name pages, whose queries are not secret: without logins, and without parameters named like secrets.

    >>> without_known_secrets("https://me:pw@a.example/b?id=3&X-Amz-Signature=9f3a is no page")
    'https://a.example/b?id=3&X-Amz-Signature=… is no page'
    """

    def cut(url: str) -> str:
        whole = _AUTHORITY.fullmatch(url)
        if whole is None or whole["slashes"] == "/" or whole["scheme"][:2].lower() == "s3":  # an address mistaken for a path
            return without_login(url)
        return f"{whole['scheme']}//{_without_user(whole['rest'])}"

    return _LOGIN.sub(r"\1\2…", _SIGNED.sub(r"\1…", _in_urls(cut, text)))


def _in_urls(cut: Callable[[str], str], text: str) -> str:
    def one(found: re.Match[str]) -> str:
        end = _END.search(found[0])
        start = end.start() if end else len(found[0])
        return cut(found[0][:start]) + found[0][start:]

    return _URL.sub(one, text)


def shareable(value: Any) -> Any:
    """JSON values with secrets removed from every string, for files that people pass on."""
    if isinstance(value, str):
        return without_login(value) if _URL.match(value) else without_secrets(value)
    if isinstance(value, dict):
        return {name: shareable(one) for name, one in value.items()}
    return [shareable(one) for one in value] if isinstance(value, list | tuple) else value
