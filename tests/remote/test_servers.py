"""What servers may do: answer without end or hardly at all, lie about lengths, send us on into this machine's own network."""

from __future__ import annotations

import base64
import gzip
import itertools
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.loopback import Raw, own_certificate, raw_server

from corpus_builder.errors import CorpusError, InputError, RecipeError
from corpus_builder.remote import addresses, lists, retries, web, wire
from corpus_builder.remote.lists import matching, read_list
from corpus_builder.remote.retries import Stat, Traffic, read_range
from corpus_builder.remote.window import RangeFile, read_small, remote_stat, store_for

pytestmark = pytest.mark.usefixtures("impatient")
Send = Callable[[bytes], None]
BLOCK = bytes(1 << 16)


@pytest.fixture(autouse=True)
def two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "2")


def head(status: str, *headers: str) -> bytes:
    """The head of an answer; the server closes each connection after one, and a client that is not told so may ask on it again."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *headers, "", ""]).encode("latin-1")


def part(first: int, last: int, size: int, *headers: str) -> bytes:
    return head("206 Partial Content", f"Content-Range: bytes {first}-{last}/{size}", 'ETag: "x"', *headers)


def first_of(request: str) -> int:
    return int(request.partition("bytes=")[2].partition("-")[0])


def read(server: Raw, end: int, size: int = 1 << 40, traffic: Traffic | None = None) -> bytes:
    place = f"{server.url}/a"
    return b"".join(read_range(store_for(place), place, Stat(size, '"x"'), 0, end, traffic or Traffic()))


# How much


@pytest.mark.parametrize("headers", [(), ("Content-Length: 99999999999999",), ("Transfer-Encoding: chunked",)])
def test_a_part_without_end_is_read_as_far_as_it_was_asked_for(headers: tuple[str, ...]) -> None:
    def answer(send: Send, request: str) -> None:
        send(part(0, 99_999, 1 << 40, *headers))
        while True:
            send(b"10000\r\n" + BLOCK + b"\r\n" if headers == ("Transfer-Encoding: chunked",) else BLOCK)

    with raw_server(answer) as server:
        traffic = Traffic()
        assert read(server, 100_000, traffic=traffic) == bytes(100_000)
        assert (traffic.requests, traffic.retries, traffic.bytes) == (1, 0, 100_000)
        assert server.sent < 30 << 20  # what the buffers of both ends hold


@pytest.mark.parametrize(
    "headers",
    [["X: " + "a" * 70_000], [f"X-{n}: {'a' * 60_000}" for n in range(99)], [f"X-{n}: a" for n in range(10_000)]],
    ids=["long", "large", "many"],
)
def test_a_flood_of_headers_is_a_sentence(headers: list[str]) -> None:
    with raw_server(lambda send, request: send(part(0, 0, 1, "Content-Length: 1", *headers) + b"x")) as server:
        with pytest.raises(InputError, match=r"/a cannot be read: the connection failed \(.*, 2 times in a row") as caught:
            remote_stat(f"{server.url}/a")
        assert len(str(caught.value)) < 700


@pytest.mark.parametrize("what", ["continue", "chunk heads", "trailers"])
def test_what_is_sent_around_a_body_has_an_end_too(what: str) -> None:
    def answer(send: Send, request: str) -> None:
        if what == "continue":
            while True:
                send(head("100 Continue", "X: " + "a" * 50_000))
        send(part(first_of(request), 2, 1 << 40, "Transfer-Encoding: chunked"))
        while what == "chunk heads":
            send(b"1;" + b"a" * 60_000 + b"\r\nx\r\n")
        send(b"1\r\nx\r\n0\r\n")
        while True:
            send(b"X: " + b"a" * 60_000 + b"\r\n")

    with raw_server(answer) as server:
        if what == "continue":
            with pytest.raises(InputError, match=r"the server sent more than requested.*2 times"):
                read(server, 3)
        elif what == "trailers":
            with pytest.raises(InputError, match="the server sent far more than requested"):
                read(server, 3)
        else:
            assert read(server, 3) == b"xxx"
        assert server.sent < 60 << 20  # what the buffers of both ends hold, of three requests


def test_lists_have_an_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def answer(send: Send, request: str) -> None:
        send(head("200 OK"))
        while True:
            send(BLOCK)

    with raw_server(answer) as server:
        with pytest.raises(InputError, match=r"/a has more than 500,000 bytes, far more than such a file should"):
            read_small(f"{server.url}/a", 500_000)
        assert len(server.asked) == 1
    monkeypatch.setattr(lists, "MAX_LIST_BYTES", 1_000)
    (tmp_path / "bomb.paths.gz").write_bytes(gzip.compress(b"a\n" * 400, mtime=0) + gzip.compress(bytes(1 << 20), mtime=0))
    with pytest.raises(InputError, match=r"bomb\.paths\.gz holds more than 1,000 bytes; split it"):
        read_list(str(tmp_path / "bomb.paths.gz"))
    (tmp_path / "two.paths.gz").write_bytes(gzip.compress(b"a\n", mtime=0) + gzip.compress(b"b\n", mtime=0))
    assert read_list(str(tmp_path / "two.paths.gz")) == ["a", "b"]
    (tmp_path / "cut.paths.gz").write_bytes(gzip.compress(b"a\n", mtime=0)[:-9])
    with pytest.raises(InputError, match=r"cut\.paths\.gz cannot be read \(the file ends inside"):
        read_list(str(tmp_path / "cut.paths.gz"))


# What is said of it


@pytest.mark.parametrize(
    "told",
    ["", "bytes 0-0/" + "9" * 5_000, "bytes 0-0/*", "bytes -5--1/10", "bytes 0-0/-1", "bytes 0-0/0", "bytes 5-5/10", "bytes 0-9/5", "items 0-0/1", "bytes ٠-٠/٥"],
)  # fmt: skip
def test_a_content_range_that_tells_no_length_is_a_sentence(told: str) -> None:
    with raw_server(
        lambda send, request: send(
            head(
                "206 Partial Content",
                'ETag: "x"',
                "Content-Length: 1",
                *([f"Content-Range: {told.encode().decode('latin-1')}"] if told else []),
            )
            + b"x"
        )
    ) as server:
        with pytest.raises(InputError, match=r"with the Content-Range '.*', so the file's length is unknown; download") as caught:
            remote_stat(f"{server.url}/a?secret=1")
        assert len(server.asked) == 1
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "told", ["bytes 1-99/1000", "bytes 0-100/1000", "bytes 0-" + "9" * 5_000 + "/1000", "bytes 9-1/1000", ""]
)
def test_another_part_than_was_asked_for_is_not_taken(told: str) -> None:
    def answer(send: Send, request: str) -> None:
        send(head("206 Partial Content", 'ETag: "x"', "Content-Length: 100", f"Content-Range: {told}") + bytes(100))

    with (
        raw_server(answer) as server,
        pytest.raises(InputError, match="the server sent a different range than requested, 2 times in a row"),
    ):
        read(server, 100, 1_000)


def test_a_part_of_another_whole_is_a_change() -> None:
    with (
        raw_server(lambda send, request: send(part(0, 99, 1_001, "Content-Length: 100") + bytes(100))) as server,
        pytest.raises(InputError, match="changed while it was being read"),
    ):
        read(server, 100, 1_000)


@pytest.mark.parametrize("length", ["3", "-1", "9" * 5_000, "1, 2", "x"])
def test_lengths_that_lie_cost_nothing_but_requests(length: str) -> None:
    content = b"0123456789" * 10

    def answer(send: Send, request: str) -> None:
        start = first_of(request)
        send(part(start, 99, 1_000, f"Content-Length: {length}") + content[start:])

    with raw_server(answer) as server:
        if length == "1, 2":
            with pytest.raises(InputError, match="the connection failed"):
                read(server, 100, 1_000)
        else:
            assert read(server, 100, 1_000) == content


@pytest.mark.parametrize("told", ["²", "9" * 5_000, "-1", "soon"])
def test_waits_that_are_no_numbers_are_ours(told: str) -> None:
    with (
        raw_server(lambda send, request: send(head("503 No", f"Retry-After: {told}", "Content-Length: 0"))) as server,
        pytest.raises(InputError, match="the server answered 503, 2 times in a row"),
    ):
        remote_stat(f"{server.url}/a")


def test_odd_answers_are_told_harmlessly() -> None:
    with (
        raw_server(lambda send, request: send(b"HTTP/1.1 \x1b]0;x\x07" + b"a" * 3_000 + b"\r\n\r\n")) as server,
        pytest.raises(InputError) as caught,
    ):
        remote_stat(f"{server.url}/a")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


# How fast


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_byte_now_and_then_is_a_stall(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "SLOW_SECONDS", 0.2)
    monkeypatch.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", "0.1")

    def answer(send: Send, request: str) -> None:
        whole = part(first_of(request), 9_999, 10_000, "Content-Length: 10000")
        if where == "body":
            send(whole)
        for place in itertools.count():
            send(whole[place : place + 1] if where == "head" and place < 60 else b"a")
            time.sleep(0.02)

    with (
        raw_server(answer) as server,
        pytest.raises(InputError, match=r"the server sent \d+ bytes in 0\.\d+ s.*, 2 times in a row"),
    ):
        read(server, 10_000, 10_000)


def test_a_slow_but_steady_answer_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "SLOW_SECONDS", 0.05)
    monkeypatch.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", "0.02")
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "9")
    monkeypatch.setattr(retries, "SLOW_BYTES_PER_SECOND", 10)

    def answer(send: Send, request: str) -> None:
        start = first_of(request)
        send(part(start, 9_999, 10_000, f"Content-Length: {10_000 - start}"))
        for _ in range(start, 10_000, 1_000):
            send(bytes(1_000))
            time.sleep(0.01)

    with raw_server(answer) as server:
        assert read(server, 10_000, 10_000) == bytes(10_000)


def test_a_reader_that_takes_its_time_is_no_slow_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "SLOW_SECONDS", 0.1)
    monkeypatch.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", "2")
    with raw_server(
        lambda send, request: send(part(0, (8 << 20) - 1, 8 << 20, f"Content-Length: {8 << 20}") + bytes(8 << 20))
    ) as server:
        place, traffic = f"{server.url}/a", Traffic()
        pieces = read_range(store_for(place), place, Stat(8 << 20, '"x"'), 0, 8 << 20, traffic)
        total = 0
        for number, piece in enumerate(pieces):
            total += len(piece)
            time.sleep(0.15 if number < 3 else 0)
        assert (total, traffic.retries) == (8 << 20, 0)


def test_chunks_of_a_byte_between_kilobytes_of_heads_are_not_asked_for_again() -> None:
    def answer(send: Send, request: str) -> None:
        send(part(first_of(request), 99_999, 100_000, "Transfer-Encoding: chunked"))
        while True:
            send(b"1;" + b"a" * 6_000 + b"\r\nx\r\n")

    with raw_server(answer) as server:
        with pytest.raises(InputError, match="/a cannot be read: the server sent far more than requested"):
            read(server, 100_000, 100_000)
        assert len(server.asked) == 1


def test_a_connection_that_fails_is_told_without_names_of_ours() -> None:
    with raw_server(lambda send, request: None) as server:
        place = f"{server.url}/a"
    with pytest.raises(InputError, match=r"/a cannot be read: the connection failed \(Failed to establish a new connection: "):
        remote_stat(place)


def test_a_byte_a_request_is_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "SLOW_SECONDS", 0.01)
    monkeypatch.setattr(retries, "SLOW_BYTES_PER_SECOND", 1_000_000)

    def answer(send: Send, request: str) -> None:
        start = first_of(request)
        time.sleep(0.02)
        send(part(start, 9_999, 10_000, f"Content-Length: {10_000 - start}") + b"x")

    with raw_server(answer) as server:
        with pytest.raises(InputError, match="2 times in a row"):
            read(server, 10_000, 10_000)
        assert len(server.asked) == 2


# Where to


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", "public"), ("2001:4860:4860::8888", "public"), ("::ffff:8.8.8.8", "public"),
        ("10.0.0.1", "private"), ("172.31.0.1", "private"), ("192.168.1.1", "private"), ("100.64.0.1", "private"),
        ("fd12::1", "private"), ("fec0::1", "private"), ("2002:0a00:0001::1", "private"), ("64:ff9b::192.168.0.1", "private"),
        ("127.0.0.1", "loopback"), ("127.8.9.1", "loopback"), ("0.0.0.0", "loopback"), ("::", "loopback"), ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"), ("::127.0.0.1", "loopback"), ("::ffff:7f00:1", "loopback"),
        ("169.254.169.254", "link-local"), ("fe80::1%eth0", "link-local"), ("::ffff:169.254.169.254", "link-local"),
        ("224.0.0.1", "special"), ("ff02::1", "special"), ("240.0.0.1", "special"), ("255.255.255.255", "special"),
    ],
)  # fmt: skip
def test_kinds_of_addresses(address: str, kind: str) -> None:
    assert addresses.kind_of(address) == kind


INSIDE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "LOCALHOST.",
    "a.localhost", "10.0.0.1", "192.168.0.1", "169.254.169.254", "[fd00::1]", "[fe80::1]", "224.0.0.1", "[64:ff9b::7f00:1]", "inside.example",
]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_a_public_server_cannot_send_us_inside(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_kind_reached", lambda url, response: addresses.PUBLIC)
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda name, *more, **how: resolve("127.0.0.1" if name == "inside.example" else name, *more, **how)
    )
    with raw_server(lambda send, request: send(part(0, 0, 1, "Content-Length: 1") + b"x")) as inside:
        port = inside.url.rpartition(":")[2]
        answer = head("302 Found", f"Location: http://{host}:{port}/meta?token=secret", "Content-Length: 0")
        with raw_server(lambda send, request: send(answer)) as server:
            with pytest.raises(
                InputError, match=r"/a redirects to http://.*/meta, an address in a .* network, which only a URL"
            ) as caught:
                remote_stat(f"{server.url}/a")
            assert len(server.asked) == 1
        assert inside.asked == []
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("host", "allowed"), [("127.0.0.1", True), ("169.254.169.254", False), ("224.0.0.1", False)])
def test_a_server_on_this_machine_may_send_on_within_it(host: str, allowed: bool) -> None:
    with raw_server(lambda send, request: send(part(0, 0, 7, "Content-Length: 1") + b"x")) as other:
        location = other.url.replace("127.0.0.1", host)
        with raw_server(lambda send, request: send(head("307 Moved", f"Location: {location}/b", "Content-Length: 0"))) as server:
            if allowed:
                assert remote_stat(f"{server.url}/a") == Stat(7, '"x"')
            else:
                with pytest.raises(InputError, match=r"redirects to http://.*/b, an address in a (link-local|special) network"):
                    remote_stat(f"{server.url}/a")


def test_a_name_is_resolved_once_and_that_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means a public address when it is looked at, and this machine when it is connected to."""
    resolve, connect = socket.getaddrinfo, wire.connection.create_connection
    asked: list[str] = []
    connected: list[str] = []

    def turning(name: str, *more: object, **how: object) -> object:
        if name != "turns.example":
            return resolve(name, *more, **how)
        asked.append(name)
        return resolve("192.0.43.7" if len(asked) % 2 else "127.0.0.1", *more, **how)

    def noted(address: tuple[str, int], *more: object, **how: object) -> socket.socket:
        connected.append(address[0])
        if address[0] != "127.0.0.1":
            raise ConnectionRefusedError("there is no network here")
        return connect(address, *more, **how)

    monkeypatch.setattr(web, "_kind_reached", lambda url, response: addresses.PUBLIC)
    monkeypatch.setattr(socket, "getaddrinfo", turning)
    monkeypatch.setattr(wire.connection, "create_connection", noted)
    with (
        raw_server(
            lambda send, request: send(head("302 Found", "Location: http://turns.example/b", "Content-Length: 0"))
        ) as server,
        pytest.raises(InputError, match=r"no network here|an address in a loopback network"),
    ):
        remote_stat(f"{server.url}/a")
    assert connected == ["127.0.0.1", "192.0.43.7", "127.0.0.1"]  # us, the public address, us again; then it was inside
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("ftp://a.example/b", "redirects to ftp://a.example/b, which is not a web address"),
        ("file:///etc/passwd", "redirects to file:///etc/passwd, which is not a web address"),
        ("http://[::1/x", r"The server of .*/a redirects to http://\[::1/x, which is not a web address"),
        ("http://a.example:99999/", r"redirects to http://a\.example:99999/, which is not a web address"),
        ("http://a b/", r"redirects to http://a b/, which is not a web address"),
        ("/again", "it redirects more than 5 times"),
    ],
)
def test_redirects_that_lead_nowhere_are_sentences_at_once(location: str, says: str) -> None:
    with raw_server(lambda send, request: send(head("302 Found", f"Location: {location}", "Content-Length: 0"))) as server:
        with pytest.raises(InputError, match=says):
            remote_stat(f"{server.url}/a")
        assert len(server.asked) == (6 if location == "/again" else 1)


def test_logins_go_to_the_users_own_host_alone() -> None:
    basic = "authorization: Basic " + base64.b64encode(b"me@x:p/w").decode()
    with raw_server(lambda send, request: send(part(0, 0, 7, "Content-Length: 1") + b"x")) as other:
        locations = iter(["/second", f"{other.url.replace('http://', 'http://you:other@')}/b"])

        def answer(send: Send, request: str) -> None:
            send(head("302 Found", f"Location: {next(locations)}", "Content-Length: 0"))

        with raw_server(answer) as server:
            assert remote_stat(f"{server.url.replace('http://', 'http://me%40x:p%2Fw@')}/a?signature=1") == Stat(7, '"x"')
            assert [basic in request for request in server.asked] == [True, True]
            assert ["signature" in request for request in server.asked] == [True, False]
        (request,) = other.asked
    assert "uthorization" not in request
    assert "signature" not in request


# TLS


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*own_certificate(tmp_path))
    wire.pool.cache_clear()
    yield context
    wire.pool.cache_clear()


def test_a_server_that_cannot_be_trusted_is_a_sentence_at_once(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(retries.Patience, "wait", lambda self, failures: waits.append(0.0) or 0.0)
    with (
        raw_server(lambda send, request: None, tls) as server,
        pytest.raises(InputError, match=r"cannot be trusted \(.*self.signed certificate.*SSL_CERT_FILE can name your own"),
    ):
        remote_stat(f"{server.url}/a")
    with (
        raw_server(lambda send, request: send(head("400 Bad", "Content-Length: 0"))) as server,
        pytest.raises(InputError, match=r"does not support this machine.s TLS .*whether the URL should begin with http://"),
    ):
        remote_stat(server.url.replace("http:", "https:") + "/a")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.set_ciphers("NULL:@SECLEVEL=0")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        raw_server(lambda send, request: None, old) as server,
        pytest.raises(InputError, match=r"does not support this machine.s TLS \(.*HANDSHAKE_FAILURE"),
    ):
        remote_stat(f"{server.url}/a")
    assert waits == []


def test_a_certificate_of_ones_own_is_trusted_where_it_is_named(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    content = bytes(range(256)) * 40

    def answer(send: Send, request: str) -> None:
        first, _, last = request.partition("bytes=")[2].partition("\r")[0].partition("-")
        piece = content[int(first) : int(last) + 1]
        send(part(int(first), int(first) + len(piece) - 1, len(content), f"Content-Length: {len(piece)}") + piece)

    with raw_server(answer, tls) as server:
        assert RangeFile(f"{server.url}/a").read() == content
    for status in ("301 Moved", "308 Moved"):
        with (
            raw_server(
                lambda send, request, said=status: send(head(said, "Location: http://127.0.0.1:9/b?key=1", "Content-Length: 0")),
                tls,
            ) as server,
            pytest.raises(InputError, match=r"redirects from https to http://127\.0\.0\.1:9/b, where others can read"),
        ):
            remote_stat(f"{server.url}/a")

    def endless(send: Send, request: str) -> None:
        send(part(0, 99, 1 << 40))
        while True:
            send(BLOCK)

    with raw_server(endless, tls) as server:
        assert read(server, 100) == bytes(100)


# Proxies


def test_a_proxy_gets_its_login_and_nobody_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(lambda send, request: send(part(0, 0, 7, "Content-Length: 1") + b"x")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://me:p%40w@"))
        assert remote_stat("http://u:s@a.example/b?signature=1") == Stat(7, '"x"')
    (request,) = proxy.asked
    assert request.startswith("GET http://a.example/b?signature=1 ")
    assert "Proxy-Authorization: Basic " + base64.b64encode(b"me:p@w").decode() in request.replace("proxy-auth", "Proxy-Auth")
    for value in (
        proxy.url.replace("http://", "http://me:secret@"),
        "me:secret@127.0.0.1:9",
        "socks9://me:secret@h",
        "http://me:secret@[::1",
    ):
        monkeypatch.setenv("http_proxy", value)
        with pytest.raises(
            CorpusError, match=r"the connection failed|is not a valid URL; correct or unset the environment variable http_proxy"
        ) as caught:
            remote_stat("http://a.example/b")
        assert "secret" not in str(caught.value)


def test_a_proxy_is_not_asked_for_what_lies_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = head("302 Found", "Location: http://169.254.169.254/latest/meta-data", "Content-Length: 0")
    with raw_server(lambda send, request: send(answer)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(InputError, match="an address in a link-local network"):
            remote_stat("http://a.example/b")
        assert len(proxy.asked) == 1


# S3


def s3_answer(told: str, *headers: str) -> bytes:
    return head("206 Partial Content", 'ETag: "x"', *([f"Content-Range: {told}"] if told else []), *headers)


@pytest.mark.parametrize("told", ["bytes 0-0/" + "9" * 5_000, "bytes 0-0/-3", "bytes 1-1/5", "", "bytes 0-0/*"])
def test_a_store_that_tells_no_length_is_a_sentence(told: str, aws: pytest.MonkeyPatch) -> None:
    with raw_server(lambda send, request: send(s3_answer(told, "Content-Length: 1") + b"x")) as server:
        aws.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(
            InputError, match=r"answered a request for the first byte of s3://b-b/a with the Content-Range '.*'; only"
        ):
            remote_stat("s3://b-b/a")


def test_a_store_without_end_is_read_as_far_as_it_was_asked_for(aws: pytest.MonkeyPatch) -> None:
    def answer(send: Send, request: str) -> None:
        send(s3_answer("bytes 0-999/5000", "Content-Length: 99999999999"))
        while True:
            send(BLOCK)

    with raw_server(answer) as server:
        aws.setenv("AWS_ENDPOINT_URL", server.url)
        assert b"".join(read_range(store_for("s3://b-b/a"), "s3://b-b/a", Stat(5_000, '"x"'), 0, 1_000, Traffic())) == bytes(
            1_000
        )
        assert server.sent < 30 << 20


def read_s3(server: Raw, aws: pytest.MonkeyPatch) -> bytes:
    aws.setenv("AWS_ENDPOINT_URL", server.url)
    return b"".join(read_range(store_for("s3://b-b/a"), "s3://b-b/a", Stat(5_000, '"x"'), 0, 5_000, Traffic()))


def test_a_store_that_sends_a_byte_now_and_then_has_stalled(aws: pytest.MonkeyPatch) -> None:
    aws.setattr(retries, "SLOW_SECONDS", 0.2)
    aws.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", "0.1")

    def answer(send: Send, request: str) -> None:
        send(s3_answer(f"bytes {first_of(request)}-4999/5000", "Content-Length: 5000"))
        while True:
            send(b"a")
            time.sleep(0.02)

    with (
        raw_server(answer) as server,
        pytest.raises(InputError, match=r"the server sent \d+ bytes in 0\.\d+ s, 2 times in a row"),
    ):
        read_s3(server, aws)


@pytest.mark.parametrize("token", ["<NextContinuationToken>again</NextContinuationToken>", ""])
def test_a_listing_without_end_is_a_sentence(aws: pytest.MonkeyPatch, token: str) -> None:
    body = (
        f"<ListBucketResult><IsTruncated>true</IsTruncated>{token}<Contents><Key>a</Key></Contents></ListBucketResult>".encode()
    )
    with raw_server(
        lambda send, request: send(head("200 OK", f"Content-Length: {len(body)}", "Content-Type: application/xml") + body)
    ) as server:
        aws.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(InputError, match=r"lists the objects below s3://b-b/ endlessly; name the objects"):
            matching("s3://b-b/*.warc.gz")


@pytest.mark.parametrize(
    "place", ["s3://KEY:hunter2@bucket/a.warc.gz", "s3://bucket/a.warc.gz?X-Amz-Signature=hunter2&X-Amz-Credential=KEY"]
)
def test_an_s3_place_with_a_login_is_refused_without_showing_it(place: str) -> None:
    with pytest.raises(
        InputError, match=r"^s3://bucket/a\.warc\.gz contains a login or a signature, .*AWS_ACCESS_KEY_ID"
    ) as caught:
        remote_stat(place)
    assert "hunter2" not in str(caught.value)


def test_settings_of_proxies_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "ftp://h/")
    with pytest.raises(RecipeError, match="'ftp://h/', is not a valid URL; correct or unset the environment variable http_proxy"):
        remote_stat("http://a.example/b")
