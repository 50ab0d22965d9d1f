"""The recipe's input files: found, told apart, and known by the digests of their bytes."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator
from pathlib import Path

from corpus_builder.counts import expected_counts
from corpus_builder.engine import Engine, Failure
from corpus_builder.errors import InputError
from corpus_builder.files import digest_file, write_atomically
from corpus_builder.progress import with_progress
from corpus_builder.recipe import Recipe
from corpus_builder.stages.extract import InputFile


def input_files(recipe: Recipe, out: Path, engine: Engine, progress: bool) -> list[InputFile]:
    """The recipe's input files with the digests of their bytes; digests are kept by path, size and time of change."""
    found = list(find_inputs(recipe))
    cache_file = out / ".cache" / "inputs.json"
    try:
        cache = json.loads(cache_file.read_bytes())
    except (FileNotFoundError, ValueError):
        cache = {}
    keys = {path: f"{path}|{path.stat().st_size}|{path.stat().st_mtime_ns}" for _, _, path in found}
    unknown = [path for path in keys if keys[path] not in cache]
    for outcome in with_progress("digest", engine.map(digest_file, unknown), len(unknown), progress):
        if isinstance(outcome, Failure):
            raise InputError(f"{unknown[outcome.index]} cannot be read: {outcome.error}.")
        cache[keys[unknown[outcome.index]]] = outcome.value
    if out.exists():  # `plan` may come before the first build
        write_atomically(cache_file, json.dumps({key: cache[key] for key in keys.values()}, indent=1).encode())
    counts = expected_counts(recipe)
    return [
        InputFile(str(path), source, kind, cache[keys[path]], expected=counts.get((source, path.name)))
        for source, kind, path in found
    ]


def find_inputs(recipe: Recipe) -> Iterator[tuple[str, str, Path]]:
    """(source, kind, path) of every input file; InputError if one is missing, or if two have the same name."""
    seen: dict[str, Path] = {}
    for source in recipe.sources:
        for pattern in source.paths:
            if glob.has_magic(pattern):
                paths = sorted(Path(path) for path in glob.glob(str(recipe.resolve(pattern)), recursive=True))
            else:
                paths = [recipe.resolve(pattern)]
            if not paths:
                raise InputError(f"No file matches {pattern!r} of source {source.name!r} (looked for {recipe.resolve(pattern)}).")
            for path in paths:
                if not path.is_file():
                    raise InputError(f"The input file {path} of source {source.name!r} does not exist or is no file.")
                if path.name in seen:
                    raise InputError(
                        f"{path} and {seen[path.name]} have the same name; ids start with it, so rename one "
                        "(or name each file once)."
                    )
                seen[path.name] = path
                yield source.name, source.kind, path


def read_keywords(recipe: Recipe) -> tuple[str, ...]:
    """The footer keywords, one a line."""
    if recipe.release.footer_keywords is None:
        return ()
    path = recipe.resolve(recipe.release.footer_keywords)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"There is no file of footer keywords {path}; release.footer_keywords names it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The footer keywords {path} cannot be read: {error}.") from error
    return tuple(line for line in lines if line and not line.startswith("#"))
