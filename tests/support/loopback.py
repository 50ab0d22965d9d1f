"""Real servers on loopback: a web server with ranges, versions and faults to order, and an S3-compatible store."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Request:
    path: str
    start: int | None  # of the range that was asked for
    end: int | None  # exclusive
    sent: int  # bytes of the body
    status: int
    condition: str | None = None  # If-Range


@dataclass
class Faults:
    """What goes wrong, in order of the requests for files; a fault is used up by one request.

    503, 429...: that status.  ("reset", n), ("short", n): the connection is reset, or closed in order, after n bytes.
    ("slow", seconds): a pause in mid-body.  "silent": no answer at all.
    """

    planned: list[object] = field(default_factory=list)
    every: object = None  # for each request that none is planned for


class Web(ThreadingHTTPServer):
    """Serves a directory; every answer is noted in `seen`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, root: Path, ranges: bool = True, etags: str = "strong", dates: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root, self.ranges, self.etags, self.dates = root, ranges, etags, dates
        self.faults = Faults()
        self.seen: list[Request] = []
        self.peers: list[tuple[str, int]] = []  # who opened a connection
        self.lock = threading.Lock()
        self.extra_headers: dict[str, str] = {}
        self.admits: Callable[[str, str], bool] = lambda path, authorization: True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def bytes_sent(self) -> int:
        return sum(request.sent for request in self.seen)

    def next_fault(self) -> object:
        with self.lock:
            return self.faults.planned.pop(0) if self.faults.planned else self.faults.every

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are no error here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Web

    def setup(self) -> None:
        super().setup()
        self.server.peers.append(self.client_address)

    def log_message(self, *words: object) -> None:
        pass

    def do_GET(self) -> None:
        web = self.server
        path = web.root / unquote(urlsplit(self.path).path).lstrip("/")
        fault = web.next_fault()
        if fault == "silent":
            time.sleep(5)
            self.close_connection = True
            return
        if isinstance(fault, int):
            self._note(fault, 0)
            self._head(fault, 0, {"Retry-After": "0"} if fault in (429, 503) else {})
            return
        if not web.admits(self.path, self.headers.get("Authorization", "")):
            self._note(403, 0)
            self._head(403, 0, {})
            return
        if not path.is_file():
            self._note(404, 0)
            self._head(404, 0, {})
            return
        content = path.read_bytes()
        tag = '"' + hashlib.md5(content).hexdigest() + '"'
        headers = {"Accept-Ranges": "bytes"} if web.ranges else {}
        if web.etags:
            headers["ETag"] = f"W/{tag}" if web.etags == "weak" else tag
        if web.dates:
            headers["Last-Modified"] = self.date_time_string(int(path.stat().st_mtime))
        asked = RANGE.fullmatch(self.headers.get("Range", "")) if web.ranges else None
        condition = self.headers.get("If-Range")
        if asked and condition and condition not in (headers.get("ETag"), headers.get("Last-Modified")):
            asked = None
        if asked:
            start, end = int(asked[1]), min(int(asked[2] or len(content)) + 1, len(content))
            if start >= len(content):
                self._note(416, 0)
                self._head(416, 0, headers | {"Content-Range": f"bytes */{len(content)}"})
                return
            body = content[start:end]
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
            self._send(206, headers, body, fault, (start, end))
        else:
            self._send(200, headers, content, fault, None)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers, **self.server.extra_headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: int, headers: dict[str, str], body: bytes, fault: object, asked: tuple[int, int] | None) -> None:
        kind, amount = fault if isinstance(fault, tuple) else ("", 0)
        cut = kind in ("reset", "short") and len(body) > amount
        self._note(status, amount if cut else len(body), asked)  # before the client can go on
        self._head(status, len(body), headers)
        half = amount if cut else len(body) // 2
        self.wfile.write(body[:half])
        self.wfile.flush()
        if cut:
            if kind == "reset":  # linger 0: the peer sees "connection reset", not an orderly end
                time.sleep(0.02)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RD)
            return
        if kind == "slow":
            time.sleep(amount)
        self.wfile.write(body[half:])

    def _note(self, status: int, sent: int, asked: tuple[int, int] | None = None) -> None:
        start, end = asked or (None, None)
        with self.server.lock:
            self.server.seen.append(Request(unquote(self.path), start, end, sent, status, self.headers.get("If-Range")))


@contextmanager
def web_server(root: Path, **how: object) -> Iterator[Web]:
    web = Web(root, **how)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.shutdown()
        web.server_close()


class CuttingProxy(threading.Thread):
    """A TCP relay that resets the connection after so many bytes of answers, a number for each connection in turn."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        super().__init__(daemon=True)
        self.target, self.cuts = port, cuts
        self.total = 0  # bytes that were passed on, both ways
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            cut = self.cuts.pop(0) if self.cuts else None
            threading.Thread(target=self._relay, args=(client, cut), daemon=True).start()

    def _relay(self, client: socket.socket, cut: int | None) -> None:
        server = socket.create_connection(("127.0.0.1", self.target))
        threading.Thread(target=self._copy, args=(client, server, None), daemon=True).start()
        self._copy(server, client, cut)

    def _copy(self, source: socket.socket, sink: socket.socket, cut: int | None) -> None:
        passed = 0
        try:
            while data := source.recv(1 << 14):
                sink.sendall(data if cut is None else data[: cut - passed])
                passed += len(data)
                self.total += len(data)
                if cut is not None and passed >= cut:
                    time.sleep(0.02)
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
        except OSError:
            pass
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RD)  # wakes the thread that reads the other way
            with suppress(OSError):
                one.close()

    def close(self) -> None:
        self.listener.close()


@contextmanager
def canned(status: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    """A server that has one answer to everything."""

    class Canned(BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_PUT = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Raw:
    """A server that answers in its own words; what it was asked, and how many bytes it could send."""

    url: str
    asked: list[str] = field(default_factory=list)
    sent: int = 0


@contextmanager
def raw_server(answer: Callable[[Callable[[bytes], None], str], None], context: ssl.SSLContext | None = None) -> Iterator[Raw]:
    """`answer(send, request)` is called for each request, on a connection of its own; it ends when the client hangs up."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = Raw(f"http{'s' if context else ''}://127.0.0.1:{listener.getsockname()[1]}")

    def serve(plain: socket.socket) -> None:
        with suppress(OSError):
            client = context.wrap_socket(plain, server_side=True) if context else plain
            with client:
                request = b""
                while b"\r\n\r\n" not in request and request[:1] != b"\x16" and (piece := client.recv(1 << 16)):
                    request += piece
                server.asked.append(request.decode("latin-1"))

                def send(content: bytes) -> None:
                    client.sendall(content)
                    server.sent += len(content)

                answer(send, server.asked[-1])
                client.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def own_certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate that nobody vouches for."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (directory / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
    return directory / "cert.pem", directory / "key.pem"
