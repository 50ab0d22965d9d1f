"""What a cluster's worker checks before it works: does its machine have the driver's package, and share its disks?

This module is sent to the workers *by value*: a machine with another version of the package must not be judged by its own code.
So everything here uses only the standard library, until `run` has found the machine fit.  A worker process checks once.

The driver writes `NONCE` into the hidden directory `.nodes` of the output; each machine must be able to read it there, and answers
with a file `NONCE.NODE` that the driver must see.  `NONCE.NODE.INDEX` says which machine runs a task, and remains if the process dies.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pickle
import re
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

MARKS = ".nodes"


def run(shared: list[Any], nonce: str, key: str, directory: str, index: int, task: bytes) -> tuple[str, str, Any]:
    """Run a task on this machine: ("did", node, outcome), or ("unfit", node, why) if the machine does not match the driver's.

    `shared` holds references to the requirements, identified by `nonce`, and to the work, identified by `key`: each process
    fetches them once, to keep tasks small.
    """
    import ray

    node = str(ray.get_runtime_context().get_node_id())
    state = sys.modules.setdefault("corpus_builder worker", ModuleType("corpus_builder worker")).__dict__  # of this process
    if state.get("fit for") != nonce:
        try:
            why = unfit(ray.get(shared[0]), node)
        except Exception as error:  # a machine that cannot be checked is not used either
            why = f"it cannot be checked ({type(error).__name__}: {error})"
        if why:
            return "unfit", node, why
        state["fit for"] = nonce

    from corpus_builder.engine.serial import attempt

    def do(packed: bytes) -> Any:
        if state.get("key") != key:
            state["work"] = pickle.loads(ray.get(shared[1]))
            state["key"] = key
        return state["work"](pickle.loads(packed))

    at = Path(directory, MARKS, f"{nonce}.{node}.{index}") if directory else None
    if at:
        with suppress(OSError):
            at.touch()
    outcome = attempt(do, index, task)
    if at:
        with suppress(OSError):
            at.unlink()
    return "did", node, outcome


def unfit(wanted: dict[str, Any], node: str) -> str | None:
    """Why this machine must not be used, or None."""
    found = facts(list(wanted["versions"]))
    if found["package"] != wanted["package"]:
        if found["package"] is None:
            return "the package corpus_builder is not installed there"
        (version, digest, place), (wanted_version, _, _) = found["package"], wanted["package"]
        what = f"version {version}" if version != wanted_version else f"version {version} with other files"
        if digest != wanted["package"][1] or version != wanted_version:
            return f"its package corpus_builder is {what} ({place}), not this one of version {wanted_version}"
    for name, version in wanted["versions"].items():
        if found["versions"][name] != version:
            return f"its {name} is {found['versions'][name] or 'not installed'}, not {version}"
    if wanted["directory"]:
        return _not_shared(Path(wanted["directory"]), wanted["nonce"], node) or _not_readable(wanted["files"])
    return None


def facts(names: list[str]) -> dict[str, Any]:
    """The package's version, digest and path, and the versions of Python and of some libraries."""
    spec = importlib.util.find_spec("corpus_builder")
    package = None
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        version = re.search(r'^__version__ = "(.*)"', Path(spec.origin).read_text(encoding="utf-8"), re.MULTILINE)
        package = [version[1] if version else "?", _digest(root), str(root)]
    versions: dict[str, str | None] = {}
    for name in names:
        try:
            versions[name] = sys.version.split()[0] if name == "Python" else importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {"package": package, "versions": versions}


def _digest(root: Path) -> str:
    """Digest of a package's code and data, ignoring files that Python and editors create."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".npz", ".bin", ".jinja") and "__pycache__" not in path.parts and path.is_file():
            digest.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _not_shared(directory: Path, nonce: str, node: str) -> str | None:
    try:
        there = (directory / MARKS / nonce).read_text()
    except OSError as error:
        return (
            f"it does not see the output directory {directory} ({error.strerror}): that must be on a disk that all machines share"
        )
    if there != nonce:
        return f"its {directory} is not the output directory of this run: that must be on a disk that all machines share"
    try:
        (directory / MARKS / f"{nonce}.{node}").write_text(node)
    except OSError as error:
        return f"it cannot write to the output directory {directory} ({error.strerror})"
    return None


def _not_readable(files: list[tuple[str, int]]) -> str | None:
    for path, size in files:
        try:
            with open(path, "rb") as file:
                found = os.fstat(file.fileno()).st_size
        except OSError as error:
            return f"it cannot read the input {path} ({error.strerror}): inputs must lie at the same path on every machine"
        if found != size:
            return f"its input {path} has {found} bytes, not {size}: inputs must be the same on every machine"
    return None
