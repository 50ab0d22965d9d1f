"""A chat server on loopback that answers as it is told, goes wrong as it is told, and notes what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

POLICY = """
name = "tiny"
max_characters = 40
likely_tokens = 10
[parameters]
temperature = 0
max_tokens = 50
[prompt]
user = "{fields}\\n>{text}"
[[fields]]
name = "good"
kind = "binary"
[[fields]]
name = "kind"
kind = "category"
values = ["news", "shop"]
"""
GOOD = '{"good": 1, "kind": "news"}'


@dataclass(frozen=True)
class Asked:
    """A request as it came: the text after the mark, the whole body, the headers."""

    text: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Chat:
    """What the server does.  A fault is used up by one request, in the order of their coming, unless `every` is set.

    503, (429, {"Retry-After": "0"}): that status.  "reset", "short": the connection is reset, or ends, in the middle of the answer; "early": a byte before the end that was announced.
    "garbage": chunks that are none.  ("slow", seconds): a pause before the answer.  A function is called before the answer.  ("body", bytes): that body, with status 200.
    {...}: fields of the choice and its message, such as {"content": "", "finish_reason": "length"}.
    """

    url: str = ""
    answer: Callable[[str], str] = lambda text: GOOD
    faults: list[object] = field(default_factory=list)
    every: object = None
    takes_schemas: bool = True
    usage: dict[str, Any] | None = field(default_factory=lambda: {"prompt_tokens": 20, "completion_tokens": 7})
    asked: list[Asked] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def handler_of(chat: Chat) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *words: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = body["messages"][-1]["content"].rpartition(">")[2]
            with chat.lock:
                chat.asked.append(
                    Asked(text, body, {name.lower(): ", ".join(self.headers.get_all(name)) for name in self.headers})
                )
                chat.times.append(time.monotonic())
                chat.at_once += 1
                chat.most_at_once = max(chat.most_at_once, chat.at_once)
                fault = chat.faults.pop(0) if chat.faults else chat.every
            try:
                self._answer(text, body, fault)
            finally:
                with chat.lock:
                    chat.at_once -= 1

        def _answer(self, text: str, body: dict[str, Any], fault: object) -> None:
            if not chat.takes_schemas and "response_format" in body:
                return self._send(400, {"error": {"message": "response_format is not supported"}})
            if isinstance(fault, int) or (isinstance(fault, tuple) and isinstance(fault[0], int)):
                status, headers = (fault, {}) if isinstance(fault, int) else fault
                return self._send(
                    status,
                    {"error": {"message": f"out of order: {str(self.headers.get('Authorization')).rpartition(' ')[2]}"}},
                    headers,
                )
            if callable(fault):
                fault()
            if isinstance(fault, tuple) and fault[0] == "slow":
                time.sleep(fault[1])
            more = dict(fault) if isinstance(fault, dict) else {}
            choice = {
                "index": 0,
                "finish_reason": more.pop("finish_reason", "stop"),
                "message": {"role": "assistant", "content": chat.answer(text), **more},
            }
            whole = json.dumps(
                {"object": "chat.completion", "choices": [choice], **({"usage": chat.usage} if chat.usage else {})}
            ).encode()
            if isinstance(fault, tuple) and fault[0] == "body":
                whole = fault[1]
            if fault in ("reset", "short", "early"):
                return self._cut(
                    whole + b" " if fault == "early" else whole,
                    len(whole) if fault == "early" else len(whole) // 2,
                    fault == "reset",
                )
            if fault == "garbage":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b'5\r\n{"cho\r\nzzzz\r\n' + whole)
                self.close_connection = True
                return None
            self._send(200, whole)
            with chat.lock:
                chat.answered.append(text)
            return None

        def _send(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, one in {"Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, one)
            self.end_headers()
            self.wfile.write(content)

        def _cut(self, content: bytes, length: int, reset: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:length])
            self.wfile.flush()
            self.close_connection = True
            if reset:
                time.sleep(0.02)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RD)

    return Handler


@contextmanager
def chat_server() -> Iterator[Chat]:
    chat = Chat()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that hang up are no error here."""

    server = Server(("127.0.0.1", 0), handler_of(chat))
    chat.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()


def write_policy(directory: Path, content: str = POLICY) -> Path:
    path = directory / "tiny.toml"
    path.write_text(content, encoding="utf-8")
    return path


def write_sample(directory: Path, texts: list[str]) -> Path:
    path = directory / "sample.jsonl"
    rows = [{"id": f"d{n}", "host": f"h{n % 3}.example", "text": text, "stratum": "all"} for n, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
