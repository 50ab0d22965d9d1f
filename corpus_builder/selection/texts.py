"""Texts to learn from: of files, and of the documents of a build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus_builder.built import Built
from corpus_builder.errors import InputError, did_you_mean
from corpus_builder.sources.jsonl import read_jsonl


def texts_to_learn_from(files: Sequence[Path], build: Path | None, source: str | None) -> Iterator[str]:
    """The texts of files, plain or of JSON lines, then of a build's documents, all or of one source, in their order.

    Raises InputError if there is nothing to read, or a file cannot be read.
    """
    if not files and build is None:
        raise InputError("There is nothing to learn from: name files, or a build with --build.")
    if source is not None and build is None:
        raise InputError("--source names a source of a build; give the build with --build.")
    for path in files:
        if path.name.endswith((".txt", ".text")):
            yield _plain(path)
        else:
            yield from (line.text for line in read_jsonl(path) if line.drop is None)
    if build is not None:
        built = Built.open(build)
        names = built.recipe.source_names
        if source is not None and source not in names:
            raise InputError(
                f"The build {build} has no source {source!r} (it has {', '.join(names)}){did_you_mean(source, names)}"
            )
        for batch in built.documents().to_batches(columns=["source", "text"], batch_size=1_024):
            yield from (text for name, text in zip(*batch.to_pydict().values(), strict=True) if source in (None, name))


def _plain(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"The text {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"The text {path} is not UTF-8: {error}.") from error
