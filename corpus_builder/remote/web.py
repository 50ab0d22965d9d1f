"""Files on web servers: ranged GET requests over connections that are kept open."""

from __future__ import annotations

import os
import re
import urllib.request
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, MaxRetryError, ReadTimeoutError, SSLError

from corpus_builder.errors import InputError
from corpus_builder.remote.patience import Passing, Stat, patience
from corpus_builder.remote.places import check_scheme, shown

PIECE = 1 << 18
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS_ONLY = urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=5, raise_on_status=False)


class Web:
    """https:// and http://; see `Store`."""

    def stat(self, place: str) -> Stat:
        """Ask for the first byte: the answer tells the length, the version, and whether the server sends parts of files."""
        response = _get(place, {"Range": "bytes=0-0"})
        try:
            if response.status not in (200, 206, 416):
                raise _refused(place, response)
            parts = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            empty = response.headers.get("Content-Range") == "bytes */0" or (
                response.status == 200 and response.headers.get("Content-Length") == "0"
            )
            if not empty and (response.status != 206 or not parts):
                raise InputError(
                    f"The server of {shown(place)} does not send parts of files (it ignores Range), so the file cannot be read "
                    "as a stream; download it and name the local file instead."
                )
            tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
            if not tag and not empty:
                raise InputError(
                    f"The server of {shown(place)} sends neither ETag nor Last-Modified, so a changed file could not be told from "
                    "the old one; download it and name the local file instead."
                )
            return Stat(int(parts[3]) if parts else 0, tag)
        finally:
            response.close()

    def read(self, place: str, stat: Stat, start: int, end: int) -> Iterator[bytes]:
        """One request for bytes start..end-1 of this very version."""
        weak = stat.tag.startswith("W/")
        response = _get(place, {"Range": f"bytes={start}-{end - 1}"} | ({} if weak else {"If-Range": stat.tag}))
        whole = False
        try:
            parts = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if response.status not in (200, 206, 412, 416):
                raise _refused(place, response)
            tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
            same_size = parts is None or int(parts[3]) == stat.size
            if response.status in (412, 416) or tag != stat.tag or not same_size:
                raise changed(place)
            if response.status == 200 or parts is None or int(parts[1]) != start:
                raise Passing("the server sent another part than it was asked for")
            yield from _body(response)
            whole = True
        finally:
            _give_back(response, whole)

    def read_whole(self, place: str) -> Iterator[bytes]:
        """One request for everything; servers that ignore Range will do."""
        response = _get(place, {})
        whole = False
        try:
            if response.status != 200:
                raise _refused(place, response)
            yield from _body(response)
            whole = True
        finally:
            _give_back(response, whole)


@lru_cache(maxsize=64)
def _pool(process: int, scheme: str, host: str, proxy: str) -> urllib3.PoolManager:
    """Connections kept open by this very process: a forked child that used those of its parent would mix up the answers."""
    if proxy and not urllib.request.proxy_bypass(host):
        return urllib3.ProxyManager(proxy, maxsize=32)
    return urllib3.PoolManager(maxsize=32)


def _get(place: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    check_scheme(place)
    parts = urlsplit(place)
    if not parts.hostname:
        raise InputError(f"{shown(place)!r} names no host; write https://HOST/PATH.")
    limits = patience()
    scheme, host = parts.scheme.lower(), parts.netloc.rpartition("@")[2]
    pool = _pool(os.getpid(), scheme, host, urllib.request.getproxies().get(scheme, ""))
    try:
        return pool.request(
            "GET",
            place.partition("#")[0],
            headers={"Accept-Encoding": "identity", "User-Agent": "corpus_builder", **_login(place), **headers},
            timeout=urllib3.Timeout(connect=limits.connect_seconds, read=limits.answer_seconds),
            retries=_REDIRECTS_ONLY,
            preload_content=False,
        )
    except LocationValueError as error:
        raise InputError(f"{shown(place)!r} is no URL ({error}); correct it.") from error
    except MaxRetryError as error:
        if isinstance(error.reason, SSLError):
            raise InputError(
                f"The server of {shown(place)} cannot be trusted ({error.reason}); check the URL, this machine's clock and its "
                "certificates (SSL_CERT_FILE names a file of your own)."
            ) from error
        raise Passing(_words(error.reason or error)) from error
    except HTTPError as error:
        raise Passing(_words(error)) from error


def _login(place: str) -> dict[str, str]:
    user, at, _ = urlsplit(place).netloc.rpartition("@")
    return dict(urllib3.make_headers(basic_auth=user)) if at else {}


def _body(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from response.stream(PIECE, decode_content=False)
    except HTTPError as error:
        raise Passing(_words(error)) from error


def _give_back(response: urllib3.BaseHTTPResponse, whole: bool) -> None:
    if whole:
        response.release_conn()
    else:
        response.close()


def _words(error: Exception) -> str:
    if isinstance(error, ReadTimeoutError):
        return f"the server sent nothing for {patience().answer_seconds:g} s"
    text = str(error.args[-1] if error.args else error).strip().rstrip(".")
    text = text.rpartition(": ")[2] if "object at 0x" in text else text
    return f"the connection failed ({text or type(error).__name__})"


def changed(place: str) -> InputError:
    """The sentence for a file that is another one than when the run began."""
    return InputError(
        f"{shown(place)} changed while it was read: its ETag or length is another one now. Run the same command again; what was "
        "made from the old version is made anew."
    )


def _refused(place: str, response: urllib3.BaseHTTPResponse) -> Exception:
    status = response.status
    if status in _PASSING:
        told = response.headers.get("Retry-After", "")
        return Passing(f"the server answered {status}", float(told) if told.isdigit() else None)
    remedies = {
        401: "it wants a login; download the file and name the local file instead",
        403: "check the URL, and whether the server blocks this machine or wants fewer requests at a time",
        404: "check the URL; for lines of a paths file, check `base`, too",
        410: "check the URL; for lines of a paths file, check `base`, too",
    }
    what = {401: "refuses access", 403: "refuses access", 404: "has no such file", 410: "has no such file"}.get(status, "")
    return InputError(
        f"{shown(place)} cannot be read: the server {what or 'does not hand it out'} (status {status}); "
        f"{remedies.get(status, 'check the URL in a browser')}."
    )
