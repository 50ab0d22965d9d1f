"""Answers that are kept: each is written when it comes, none is asked for twice, and a finished run is sealed.

A directory of ours holds

    log.jsonl       every answer as it came, from all runs that used the directory
    answers.jsonl   the answers to the requests of the last run that finished, in the order of its requests
    sealed.json     the digest of answers.jsonl, and what was asked: written last

A line is written by one call; one without its end is what a killed run left, and is removed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus_builder.errors import IntegrityError, StageError
from corpus_builder.llm.cost import Tokens
from corpus_builder.llm.request import Answer, Request, parsed
from corpus_builder.store.files import digest_file, full_disk, give_name, json_bytes, state_of, sync_directory, write_json
from corpus_builder.store.ownership import alone_in, small_object

log = logging.getLogger(__name__)

FORMAT = "corpus_builder-answers/1"
LOG, SEALED, HEAD = "log.jsonl", "answers.jsonl", "sealed.json"


@dataclass(frozen=True, slots=True)
class _Line:
    """Where an answer is, and what has to be known of it to tell what is still to be asked."""

    file: str
    start: int
    length: int
    attempt: int
    bad: str
    cost: Tokens


class Kept:
    """The answers in a directory, by the key of their request; thread-safe.  Opened by `kept_in`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lines: dict[str, dict[int, _Line]] = {}
        self._lock = threading.Lock()
        self._files: dict[str, int] = {}
        self._end = 0
        self._closed = False
        head = small_object(root / HEAD)
        if head is not None and (root / SEALED).exists() and digest_file(root / SEALED) != head.get("sha256"):
            raise IntegrityError(
                f"{root / SEALED} is not what {HEAD} says: it was changed after it was sealed. Restore it, or delete both files if "
                f"{LOG} is there: the same command then seals its answers again."
            )
        for name in (SEALED, LOG):
            self._read(name)

    def _read(self, name: str) -> None:
        path = self.root / name
        if not path.exists():
            return
        whole = 0
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    found = json.loads(line)
                    cost = Tokens(found["tokens_in"], found["tokens_out"])
                    self._note(found["key"], _Line(name, whole, len(line), found["attempt"], found["bad"], cost))
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    raise IntegrityError(
                        f"{path}, line {number}: this is no answer ({type(error).__name__}); delete the line."
                    ) from error
                whole += len(line)
        if name == LOG:
            if (torn := state_of(path)[1] - whole) > 0:
                log.warning("%s ends with %d bytes of an answer that was not written to its end; they are removed", path, torn)
                os.truncate(path, whole)
            self._end = whole

    def _note(self, key: str, line: _Line) -> None:
        attempts = self._lines.setdefault(key, {})
        before = attempts.get(line.attempt)
        if before is None or before.bad == "refused_by_server":
            attempts[line.attempt] = line

    def next_attempt(self, key: str, attempts: int) -> int:
        """The number of the attempt that a request needs now; 0 if it has a good answer, or as many bad ones as attempts are wanted."""
        found = self._lines.get(key, {})
        if any(not line.bad for line in found.values()):
            return 0
        tried = max((number for number, line in found.items() if line.bad != "refused_by_server"), default=0)
        return tried + 1 if tried < attempts else 0

    def has(self, key: str) -> bool:
        """Whether a request has an answer, good or bad."""
        return key in self._lines

    def cost(self, key: str) -> Tokens:
        """What the answers to a request cost."""
        return sum((line.cost for line in self._lines.get(key, {}).values()), Tokens())

    def answer(self, key: str, schema: Mapping[str, Any] | None) -> Answer | None:
        """The good answer to a request, else its last bad one; None if it has none."""
        found = self._lines.get(key, {})
        if not found:
            return None
        line = next((one for one in found.values() if not one.bad), None) or found[max(found)]
        read = json.loads(self._bytes(line))
        value, bad, detail = read["raw"], line.bad, read["detail"]
        if schema is not None:
            value, bad, detail = (None, bad, detail) if bad else parsed(read["raw"], schema)
        counted = "estimated" not in read
        return Answer(read["raw"], value, bad, detail, read["tokens_in"], read["tokens_out"], counted, line.attempt)

    def _bytes(self, line: _Line) -> bytes:
        with self._lock:
            if line.file not in self._files:
                self._files[line.file] = os.open(self.root / line.file, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._files[line.file], line.length, line.start)

    def add(self, request: Request, model: str, answer: Answer) -> None:
        """Keep an answer: it is in the file when this returns."""
        key = request.key(model)
        record = {
            "key": key, "prompt": request.prompt, "model": model, "parameters": dict(request.parameters), "document": request.document,
            "attempt": answer.attempt, "bad": answer.bad, "detail": answer.detail, "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out, **({} if answer.counted else {"estimated": True}), "raw": answer.raw,
        }  # fmt: skip
        line = json_bytes(record, indent=None)
        with self._lock:
            if self._closed:
                return
            try:
                if "+log" not in self._files:
                    self._files["+log"] = os.open(self.root / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
                if os.write(self._files["+log"], line) != len(line):
                    os.truncate(self.root / LOG, self._end)
                    raise StageError(
                        f"{self.root / LOG} cannot be written to its end; check the disk and run the same command again."
                    )
            except OSError as error:
                raise full_disk(error, self.root) or StageError(
                    f"{self.root / LOG} cannot be written ({error.strerror}); check the disk and run the same command again."
                ) from error
            cost = Tokens(answer.tokens_in, answer.tokens_out)
            self._note(key, _Line(LOG, self._end, len(line), answer.attempt, answer.bad, cost))
            self._end += len(line)

    def seal(self, keys: Iterable[str], head: Mapping[str, Any]) -> str:
        """Write the answers to these requests in their order, and their digest; returns it.  The same answers give the same bytes.

        Each request is written once, with all its attempts.
        """
        temporary = self.root / f".{uuid.uuid4().hex}.tmp"
        digest = hashlib.sha256()
        try:
            with temporary.open("wb") as file:
                for key in dict.fromkeys(keys):
                    for _, line in sorted(self._lines[key].items()):
                        content = self._bytes(line)
                        digest.update(content)
                        file.write(content)
            sealed = {"format": FORMAT, "answers": SEALED, "sha256": digest.hexdigest(), **head}
            if small_object(self.root / HEAD) != sealed or not (self.root / SEALED).exists():
                (self.root / HEAD).unlink(missing_ok=True)
                give_name(temporary, self.root / SEALED)
                sync_directory(self.root)
                write_json(self.root / HEAD, sealed)
        finally:
            temporary.unlink(missing_ok=True)
        return digest.hexdigest()

    def close(self) -> None:
        """Close the files; what comes later is not kept, since another run may have the directory."""
        with self._lock:
            self._closed = True
            for file in self._files.values():
                os.close(file)
            self._files.clear()


@contextmanager
def kept_in(root: str | Path) -> Iterator[Kept]:
    """The answers in a directory, which is made if there is none, and locked against a second run."""
    root = Path(root)
    with alone_in(root, "answers"):
        kept = Kept(root)
        try:
            yield kept
        finally:
            kept.close()
