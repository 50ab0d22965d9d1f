"""Files on web servers, read by ranged GET requests over persistent connections."""

from __future__ import annotations

import os
import re
import ssl
import urllib.request
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, ReadTimeoutError, SSLError
from urllib3.util import parse_url

from corpus_builder.errors import InputError, RecipeError
from corpus_builder.messages.redact import without_login, without_secrets
from corpus_builder.messages.terminal import harmless
from corpus_builder.remote.addresses import PUBLIC, kind_of, kind_of_literal, may_go_on
from corpus_builder.remote.places import check_scheme, content_range, shown, without_user
from corpus_builder.remote.retries import MAX_WHOLE_BYTES, Passing, Stat, patience
from corpus_builder.remote.wire import LeadsInside, SentTooMuch, pool

PIECE = 1 << 18
MAX_REDIRECTS = 5
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_NO_TLS = re.compile(
    "WRONG_VERSION_NUMBER|HTTP_REQUEST|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE|PROTOCOL_VERSION|NO_PROTOCOLS|UNKNOWN_PROTOCOL"
)

_CONNECTION = re.compile(r"^\w+\(host=.*?, port=\d+\): ")  # urllib3's prefix of its messages


class Web:
    """https:// and http://; see `Store`."""

    def stat(self, place: str) -> Stat:
        """Ask for the first byte: the response gives the length, the version, and whether the server supports ranges."""
        response = _get(place, {"Range": "bytes=0-0"})
        try:
            if response.status not in (200, 206, 416):
                raise _refused(place, response)
            header = response.headers.get("Content-Range", "")
            empty = header == "bytes */0" or (response.status == 200 and response.headers.get("Content-Length") == "0")
            if not empty and response.status != 206:
                raise InputError(
                    f"The server of {shown(place)} does not support ranged requests (it ignores Range), so the file cannot be "
                    "streamed; download it and name the local file instead."
                )
            parts = content_range(header)
            if not empty and (parts is None or parts[:2] != (0, 0)):
                raise InputError(
                    f"The server of {shown(place)} answered a request for the first byte with the Content-Range "
                    f"'{harmless(header, 60)}', so the file's length is unknown; download it and name the local file instead."
                )
            tag = _tag(response)
            if not tag and not empty:
                raise InputError(
                    f"The server of {shown(place)} sends neither ETag nor Last-Modified, so a change of the file could not be "
                    "detected; download it and name the local file instead."
                )
            return Stat(parts[2] if parts and not empty else 0, tag)
        finally:
            response.close()

    def read(self, place: str, stat: Stat, start: int, end: int) -> Iterator[bytes]:
        """One request for bytes start..end-1 of exactly this version."""
        weak = stat.tag.startswith("W/")
        response = _get(place, {"Range": f"bytes={start}-{end - 1}"} | ({} if weak else {"If-Range": stat.tag}))
        whole = False
        try:
            parts = content_range(response.headers.get("Content-Range", ""))
            if response.status not in (200, 206, 412, 416):
                raise _refused(place, response)
            same_size = parts is None or parts[2] == stat.size
            if response.status in (412, 416) or _tag(response) != stat.tag or not same_size:
                raise changed(place)
            if response.status == 200 or parts is None or parts[0] != start or parts[1] >= end:
                raise Passing("the server sent a different range than requested")
            yield from _body(place, response, end - start)
            whole = True
        finally:
            _give_back(response, whole)

    def read_whole(self, place: str) -> Iterator[bytes]:
        """One request for the whole file; also works with servers that ignore Range."""
        response = _get(place, {})
        whole = False
        try:
            if response.status != 200:
                raise _refused(place, response)
            yield from _body(place, response, MAX_WHOLE_BYTES + 1)
            whole = True
        finally:
            _give_back(response, whole)


def _tag(response: urllib3.BaseHTTPResponse) -> str:
    return response.headers.get("ETag") or response.headers.get("Last-Modified") or ""


def _get(place: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    """The response to a request, following a few redirects, but never from https to http or into a more private network than the user's URL.

    The login is sent only to the user's own host.
    """
    check_scheme(place)
    url, own = place.partition("#")[0], ""
    for _ in range(MAX_REDIRECTS + 1):
        login = login_of(place) if _origin(url) == _origin(place) else {}
        response = ask(place, url, headers | login, own)
        location = response.get_redirect_location()
        if not location:
            return response
        own = own or _kind_reached(url, response)
        response.close()
        url = _next(place, url, location, own)
    raise InputError(f"{shown(place)} cannot be read: it redirects more than {MAX_REDIRECTS} times; check the URL in a browser.")


def _origin(url: str) -> tuple[str, str, int]:
    parts = _parts(url)
    return (
        parts.scheme.lower(),
        (parts.hostname or "").rstrip("."),
        parts.port or {"http": 80, "https": 443}[parts.scheme.lower()],
    )


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a bad port
    except ValueError as error:
        raise InputError(f"'{harmless(shown(url))}' is not a valid URL ({harmless(str(error), 80)}); correct it.") from None
    if not parts.hostname:
        raise InputError(f"'{harmless(shown(url))}' names no host; write https://HOST/PATH.")
    return parts


def _kind_reached(url: str, response: urllib3.BaseHTTPResponse) -> str:
    """The kind of network that the user's own URL led to; behind a proxy, judged by the URL alone."""
    reached = getattr(response.connection, "reached", "") if not _proxy(url) else ""
    return kind_of(reached) if reached else kind_of_literal(_parts(url).hostname or "") or PUBLIC


def _next(place: str, url: str, location: str, own: str) -> str:
    """The target of a redirect; raises InputError if it may not lead there."""
    try:
        to = without_user(urljoin(url, location)).partition("#")[0]
    except ValueError:
        to = without_user(location)
    if not _is_web_address(to):
        raise InputError(
            f"The server of {shown(place)} redirects to {harmless(shown(to), 200)}, which is not a web address; check the URL in a browser."
        )
    if urlsplit(url).scheme.lower() == "https" and _parts(to).scheme.lower() == "http":
        raise InputError(
            f"The server of {shown(place)} redirects from https to {harmless(shown(to), 200)}, where others can read and change the "
            "data; use that URL itself if you trust it."
        )
    kind = kind_of_literal(_parts(to).hostname or "")
    if kind and not may_go_on(own, kind):
        raise _leads_inside(place, to, kind)
    return to


def _is_web_address(url: str) -> bool:
    try:
        parts = parse_url(url)  # the parser that the request will use
        _parts(url)
    except (LocationValueError, InputError):
        return False
    return parts.scheme in ("http", "https")


def _leads_inside(place: str, to: str, kind: str) -> InputError:
    return InputError(
        f"The server of {shown(place)} redirects to {harmless(shown(to), 200)}, an address in a {kind} network, which only a URL in "
        "such a network may do; use that URL itself if you trust it."
    )


def ask(
    place: str, url: str, headers: dict[str, str], own: str = "", body: bytes | None = None, answer_seconds: float | None = None
) -> urllib3.BaseHTTPResponse:
    """One request, a POST if there is a `body`; if it follows a redirect, `own` is the kind of network of the user's own URL."""
    _parts(url)
    limits = patience()
    seconds = limits.answer_seconds if answer_seconds is None else answer_seconds
    proxy = _proxy(url)
    try:
        connections = pool(os.getpid(), own, without_user(proxy), unquote(urlsplit(proxy).netloc.rpartition("@")[0]))
    except (HTTPError, ValueError) as error:
        raise RecipeError(
            f"The proxy of this machine, '{harmless(without_login(proxy))}', is not a valid URL; correct or unset the environment variable "
            f"{urlsplit(url).scheme.lower()}_proxy."
        ) from error
    try:
        return connections.request(
            "GET" if body is None else "POST",
            without_user(url),
            body=body,
            headers={"Accept-Encoding": "identity", "User-Agent": "corpus_builder", **headers},
            timeout=urllib3.Timeout(connect=limits.connect_seconds, read=seconds),
            retries=False,
            redirect=False,
            preload_content=False,
        )
    except LeadsInside as error:
        raise _leads_inside(place, url, error.kind) from error
    except LocationValueError as error:
        raise InputError(f"'{harmless(shown(url))}' is not a valid URL; correct it.") from error
    except SSLError as error:
        raise _untrusted(place, error) from error
    except HTTPError as error:
        raise Passing(words_of(error, seconds)) from error


def _untrusted(place: str, error: SSLError) -> Exception:
    cause = next((one for one in (*error.args, error.__cause__) if isinstance(one, ssl.SSLError)), None)
    if isinstance(cause, ssl.SSLCertVerificationError) or cause is None:
        return InputError(
            f"The server of {shown(place)} cannot be trusted ({harmless(str(cause or error), 200)}); check the URL, this machine's "
            "clock and its certificates (SSL_CERT_FILE can name your own)."
        )
    if _NO_TLS.search(f"{cause.reason} {cause}"):
        return InputError(
            f"The server of {shown(place)} does not support this machine's TLS ({harmless(str(cause), 200)}); check the port, and "
            "whether the URL should begin with http://."
        )
    return Passing(words_of(error, patience().answer_seconds))


def _proxy(url: str) -> str:
    """The proxy that the environment sets for a URL; "" for none."""
    parts = _parts(url)
    proxy = urllib.request.getproxies().get(parts.scheme.lower(), "")
    if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def login_of(place: str) -> dict[str, str]:
    """The header for the login in a URL, if there is one."""
    user, at, _ = urlsplit(place).netloc.rpartition("@")
    return dict(urllib3.make_headers(basic_auth=unquote(user))) if at else {}


def _body(place: str, response: urllib3.BaseHTTPResponse, most: int) -> Iterator[bytes]:
    """The body in pieces as they arrive, at most `most` bytes."""
    if (meter := getattr(response.connection, "meter", None)) is not None:
        meter.begin(most)
    try:
        while most > 0 and (piece := response.read1(min(PIECE, most), decode_content=False)):
            most -= len(piece)
            yield piece
    except HTTPError as error:
        if isinstance(error.__cause__, SentTooMuch):  # asking again for the rest could go on forever
            raise InputError(
                f"{shown(place)} cannot be read: the server sent far more than requested; check the URL, or download the file "
                "and name the local one."
            ) from error
        raise Passing(words_of(error, patience().answer_seconds)) from error


def _give_back(response: urllib3.BaseHTTPResponse, whole: bool) -> None:
    if whole and response.length_remaining == 0:  # nothing is left that could be mistaken for the next response
        response.release_conn()
    else:
        response.close()


def words_of(error: Exception, answer_seconds: float) -> str:
    """What went wrong with a connection, without secrets."""
    if isinstance(error, ReadTimeoutError):
        return f"the server sent nothing for {answer_seconds:g} s"
    text = str(error.args[-1] if error.args else error).strip().rstrip(".")
    text = text.rpartition(": ")[2] if "object at 0x" in text else _CONNECTION.sub("", text)
    return f"the connection failed ({harmless(without_secrets(text), 200) or type(error).__name__})"


def changed(place: str) -> InputError:
    """The error for a file that changed since the run began."""
    return InputError(
        f"{shown(place)} changed while it was being read: its ETag or length is different now. Run the same command again; what was "
        "made from the old version will be made again."
    )


def _refused(place: str, response: urllib3.BaseHTTPResponse) -> Exception:
    status = response.status
    if status in PASSING:
        header = response.headers.get("Retry-After", "")
        return Passing(f"the server answered {status}", float(header) if re.fullmatch("[0-9]{1,9}", header) else None)
    remedies = {
        401: "it requires a login; download the file and name the local file instead",
        403: "check the URL, and whether the server blocks this machine or allows fewer requests at a time",
        404: "check the URL; for lines of a paths file, check `base`, too",
        410: "check the URL; for lines of a paths file, check `base`, too",
    }
    what = {401: "refuses access", 403: "refuses access", 404: "has no such file", 410: "has no such file"}.get(status, "")
    return InputError(
        f"{shown(place)} cannot be read: the server {what or 'does not serve it'} (status {status}); "
        f"{remedies.get(status, 'check the URL in a browser')}."
    )
