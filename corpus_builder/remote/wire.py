"""Connections that check the address they lead to, and whose responses must keep to a speed and a length.

A server may send a byte a minute, endless headers, or a response longer than requested; each read of a socket is
counted, so that everything read through it (headers, chunks, trailers) is bounded as well.
"""

from __future__ import annotations

import socket
import ssl
import time
from functools import lru_cache
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import connection, create_urllib3_context

from corpus_builder.errors import InputError
from corpus_builder.remote.addresses import kind_of, may_go_on
from corpus_builder.remote.retries import Pace

CONNECTIONS = 256  # that are kept open to one server, if as many threads use them
HEAD_BYTES = 1 << 20  # ours: for a response's headers, and for everything between the pieces of its body


class SentTooMuch(OSError):
    """A response is far longer than the bytes requested."""


class Meter:
    """Counts the bytes of one response, and how fast they come; raises OSError if it is too long or too slow."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, body_bytes: int) -> None:
        """Start counting a new response or its body, of at most `body_bytes` besides headers and framing."""
        self._left = 2 * body_bytes + HEAD_BYTES  # chunks have headers of their own
        self._pace: Pace | None = None

    def note(self, received: int, seconds: float) -> None:
        """Record `received` bytes after a wait of `seconds`; the wait for the first is not counted."""
        self._left -= received
        if self._left < 0:
            raise SentTooMuch("the server sent more than requested")
        if self._pace is None:
            self._pace = Pace()
        elif slow := self._pace.note(received, seconds):
            raise OSError(slow)


class _Metered:
    meter: Meter | None = None

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Read, and count."""
        started = time.monotonic()
        received: int = super().recv_into(buffer, nbytes, flags)  # type: ignore[misc]
        if self.meter is not None:
            self.meter.note(received, time.monotonic() - started)
        return received


class _Socket(_Metered, socket.socket):
    pass


class _TLSSocket(_Metered, ssl.SSLSocket):  # type: ignore[misc]
    pass


class _Connection(HTTPConnection):
    """Connects only to addresses that a redirect from network kind `own` may lead to ("": the user's own URL, which may lead anywhere)."""

    own = ""
    reached = ""  # the address connected to

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.meter = Meter()

    def request(self, *words: Any, **more: Any) -> None:
        """Send a request, and restart the counting."""
        self.meter.begin(0)
        super().request(*words, **more)

    def connect(self) -> None:
        """Connect; TLS wraps the socket in a new one."""
        super().connect()
        if isinstance(self.sock, _Metered):
            self.sock.meter = self.meter

    def _new_conn(self) -> socket.socket:
        """Check the address after resolving the name, and connect to the number: the name may resolve to another address the next time."""
        host = self.host.strip("[]")
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            why = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(host, self, why) from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        allowed = [one for one in addresses if not self.own or may_go_on(self.own, kind_of(one))]
        if not allowed:
            raise LeadsInside(host, kind_of(addresses[0]))
        for address in allowed:
            try:
                plain = connection.create_connection(
                    (address, self.port), self.timeout, source_address=self.source_address, socket_options=self.socket_options
                )
            except OSError as error:
                failed = error
                continue
            limit = plain.gettimeout()
            sock = _Socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
            sock.settimeout(limit)
            sock.meter, self.reached = self.meter, address
            return sock
        if isinstance(failed, TimeoutError):
            raise ConnectTimeoutError(self, f"no connection after {self.timeout} s") from failed
        raise NewConnectionError(self, f"Failed to establish a new connection: {failed}") from failed


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class LeadsInside(InputError):
    """A redirect leads to a forbidden address."""

    def __init__(self, host: str, kind: str) -> None:
        super().__init__(f"{host} is an address in a {kind} network")
        self.host, self.kind = host, kind


@lru_cache(maxsize=64)
def pool(process: int, own: str, proxy: str, proxy_login: str) -> urllib3.PoolManager:
    """A pool of persistent connections for this process: a forked child that used its parent's would mix up the responses.

    For redirects, `own` is the kind of network of the user's own URL.  A proxy resolves names itself.
    """
    context = create_urllib3_context()
    context.load_default_certs()
    context.sslsocket_class = _TLSSocket
    manager = (
        urllib3.ProxyManager(
            proxy,
            maxsize=CONNECTIONS,
            ssl_context=context,
            proxy_headers=urllib3.make_headers(proxy_basic_auth=proxy_login) if proxy_login else None,
        )
        if proxy
        else urllib3.PoolManager(maxsize=CONNECTIONS, ssl_context=context)
    )
    words = {"own": "" if proxy else own}
    plain = type("Plain", (urllib3.HTTPConnectionPool,), {"ConnectionCls": type("To", (_Connection,), words)})
    safe = type("Safe", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": type("To", (_TLSConnection,), words)})
    manager.pool_classes_by_scheme = {"http": plain, "https": safe}
    return manager
