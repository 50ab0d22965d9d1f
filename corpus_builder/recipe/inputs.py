"""The recipe's input files: found, named uniquely, and identified by the digests of their bytes or by size and ETag."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corpus_builder.engine import Engine, Failure
from corpus_builder.errors import InputError, RecipeError
from corpus_builder.messages.progress import with_progress
from corpus_builder.messages.terminal import harmless
from corpus_builder.pages.page import storable_field
from corpus_builder.recipe.counts import expected_counts
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.source import Source
from corpus_builder.remote.lists import is_list, matching, read_list
from corpus_builder.remote.places import beside, check_scheme, is_remote, joined, name_of, names_of, shown
from corpus_builder.remote.retries import Stat
from corpus_builder.remote.window import remote_stat
from corpus_builder.sources.columns import Columns
from corpus_builder.sources.commoncrawl import SUFFIX
from corpus_builder.sources.input_file import InputFile, Reading
from corpus_builder.store.apart import keep_apart, takes_in
from corpus_builder.store.files import digest_file, write_json
from corpus_builder.store.names import SHA256, is_below, stem_of
from corpus_builder.store.ownership import kind_of, small_object

DIGESTS = ".cache/inputs.json"
NOT_READ = "not read yet"
STATS_AT_A_TIME = 16
SHOWN_TO_PATTERNS = 100  # inputs whose names are tried, as output files are named after them
TABLES = {  # some of the files that a build writes: suffix -> directories
    "parquet": ("extract/documents", "measure/measures", "match/matches", "decide/decisions", "release/corpus"),
    "npy": ("sign/keys", "sign/sketches"),
    "txt": ("sign/ids",),
}


def input_files(
    recipe: Recipe, out: Path, engine: Engine | None, progress: bool, found: Sequence[tuple[str, str, str]] | None = None
) -> list[InputFile]:
    """The recipe's input files, each with the identity of its version; `found` is the output of `find_inputs`.

    Without an engine no file is read: a file whose digest is not cached gets NOT_READ.

    Local files are identified by the digest of their bytes, cached by path, size and modification time.  Remote ones are not
    downloaded for that: the server is asked for length and ETag (or Last-Modified) in every run, with one request per file.
    """
    found = list(find_inputs(recipe)) if found is None else found
    places = [place for _, _, place in found] + [beside(place, SUFFIX) for _, kind, place in found if kind == "commoncrawl"]
    paths = [Path(place) for place in places if not is_remote(place)]
    local = digests_of(paths, out, engine, progress) if engine else dict.fromkeys(paths, NOT_READ) | kept_digests(paths, out)
    digests = {str(path): digest for path, digest in local.items()}
    stats = _stats([place for place in places if is_remote(place)], progress)
    digests |= {place: stat.identity for place, stat in stats.items()}
    counts = expected_counts(recipe)
    readings = {source.name: reading_of(recipe, source) for source in recipe.sources}
    return [
        InputFile(
            place,
            source,
            kind,
            digests[place] + digests.get(beside(place, SUFFIX), ""),
            stats.get(place),
            counts.get((source, name_of(place))),
            readings[source],
            name if name != name_of(place) else "",
        )
        for (source, kind, place), name in zip(found, names_of([place for _, _, place in found]), strict=True)
    ]


def keep_inputs_apart(recipe: Recipe, out: Path, found: Sequence[tuple[str, str, str]]) -> None:
    """Raise InputError if an input is inside the build's directory, or the build's output would be an input next time."""
    local = [place for _, _, place in found if not is_remote(place)]
    keep_apart(out, local)
    stems = ["part-00000", *(stem_of(name_of(place)) for place in local[:SHOWN_TO_PATTERNS])]
    written = ["build.json", "report.html", "extract/manifest.json", *(f"extract/receipts/{stem}.json" for stem in stems)]
    for stem in stems:
        written += [f"{directory}/{stem}.01234567.{suffix}" for suffix, some in TABLES.items() for directory in some]
    for source in recipe.sources:
        for pattern in map(str, source.paths):
            if not is_remote(pattern) and glob.has_magic(pattern) and takes_in(str(recipe.resolve(pattern)), out, written):
                raise InputError(
                    f"The path {pattern!r} of source {source.name!r} matches what is written to {out}, which would be an input "
                    "next time; choose another directory with --out, or narrow the path."
                )


def reading_of(recipe: Recipe, source: Source) -> Reading:
    """A source's settings for reading its files."""
    return Reading(
        Columns.of(source.columns),
        source.extra,
        source.document,
        source.encoding,
        source.language,
        None if source.detector is None else recipe.detector(source.detector),
        source.min_language_score,
        source.unreadable,
    )


def digests_of(paths: Sequence[Path], out: Path, engine: Engine, progress: bool) -> dict[Path, str]:
    """Digests of the files' bytes, cached in a directory by path, size and modification time."""
    states = {path: _state(path) for path in paths}  # before reading: a file that is written to meanwhile has another state
    digests = kept_digests(paths, out)
    unknown = [path for path in dict.fromkeys(paths) if path not in digests]
    engine.share(out, paths)
    for outcome in with_progress("digest", engine.map(digest_file, unknown), len(unknown), progress):
        if isinstance(outcome, Failure):
            where = f" on {outcome.node}" if outcome.node else ""
            raise InputError(f"{unknown[outcome.index]} cannot be read{where}: {outcome.error}.")
        digests[unknown[outcome.index]] = outcome.value
    if kind_of(out) is not None:  # there may be no build yet
        kept = {states[path]: digest for path, digest in digests.items()}
        write_json(out / DIGESTS, kept)
    return digests


def kept_digests(paths: Sequence[Path], out: Path) -> dict[Path, str]:
    """The digests cached in a directory, of those files that are unchanged since they were read."""
    kept = small_object(out / DIGESTS) or {}
    found = {path: kept.get(_state(path)) for path in paths}
    return {path: digest for path, digest in found.items() if isinstance(digest, str) and SHA256.fullmatch(digest)}


def _state(path: Path) -> str:
    found = path.stat()
    return f"{path}|{found.st_size}|{found.st_mtime_ns}"


def _stats(places: list[str], progress: bool) -> dict[str, Stat]:
    with ThreadPoolExecutor(STATS_AT_A_TIME) as threads:
        try:
            return dict(zip(places, with_progress("ask", threads.map(remote_stat, places), len(places), progress), strict=True))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def find_inputs(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """(source, kind, place) of every input file; raises InputError if a local one is missing, or if one is named twice."""
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"{recipe!r} is no recipe; read a recipe file with `Recipe.load(path)`.")
    seen: dict[str, str] = {}
    for source in recipe.sources:
        for pattern in map(str, source.paths):
            for place in _places(recipe, source, pattern):
                name = name_of(place)
                if not is_remote(place) and not Path(place).is_file():
                    raise InputError(f"The input file {place} of source {source.name!r} does not exist or is not a file.")
                if source.kind == "commoncrawl" and not is_remote(place) and not Path(place + SUFFIX).is_file():
                    raise InputError(
                        f"There is no table {place}{SUFFIX} next to the WARC. A source with kind = 'commoncrawl' must be the "
                        'output of `corpus-builder crawl`; for other WARCs write kind = "warc".'
                    )
                if not name:
                    raise InputError(f"{shown(place)} of source {source.name!r} names no file; ids start with a file's name.")
                if place in seen:
                    raise InputError(
                        f"{shown(place)} is named twice, by the source {seen[place]!r} and by {source.name!r}: its documents would be "
                        "duplicates of themselves. Name each file once."
                    )
                seen[place] = source.name
                yield source.name, source.kind, place
    places = list(seen)
    first: dict[str, str] = {}
    for name, place in zip(names_of(places), places, strict=True):
        if storable_field(f"{name}.") != f"{name}.":
            raise InputError(
                f"The name '{harmless(name)}' of a file of source {seen[place]!r} has control characters, or is not UTF-8; ids start "
                "with it, so rename the file."
            )
        if name in first:  # URLs that differ in their queries
            raise InputError(f"{shown(place)} and {shown(first[name])} have the same name, which ids start with; rename one.")
        first[name] = place


def _places(recipe: Recipe, source: Source, pattern: str) -> Iterator[str]:
    """The files that a path of the recipe means: one file, those that match a pattern, or those in a list."""
    check_scheme(pattern)
    if is_remote(pattern):
        found = matching(pattern)
    elif glob.has_magic(pattern) and not recipe.resolve(pattern).exists():  # an existing path is taken literally
        found = sorted(map(os.path.normpath, glob.glob(_pattern(recipe.base / Path(pattern).expanduser()), recursive=True)))
    else:
        found = [str(recipe.resolve(pattern))]
    if not found:
        looked_for = "" if is_remote(pattern) else f" (looked for {recipe.resolve(pattern)})"
        raise InputError(f"No file matches {shown(pattern)!r} of source {source.name!r}{looked_for}.")
    for place in found:
        if is_list(place):
            yield from _listed(recipe, source, place)
        else:
            yield place


def _pattern(path: Path) -> str:
    """A path as a pattern, in which existing directories are taken literally."""
    stands = Path()
    for part in path.parts:
        if not (stands / part).exists():
            break
        stands /= part
    return str(Path(glob.escape(str(stands)), path.relative_to(stands)))


def _listed(recipe: Recipe, source: Source, place: str) -> Iterator[str]:
    for line in read_list(place):
        check_scheme(line)
        if is_remote(line) or (Path(line).is_absolute() and not is_remote(place)):
            yield line
        elif not is_below(line):
            raise InputError(
                f"{shown(place)} of source {source.name!r} names '{harmless(line, 200)}', but a list must contain URLs, or relative paths below its base "
                "without '..'; correct the list."
            )
        elif source.base is None:
            raise RecipeError(
                f"{shown(place)} of source {source.name!r} names its files by relative paths ('{harmless(shown(line), 200)}'); say "
                'what they are relative to, for example base = "https://data.commoncrawl.org/".'
            )
        elif is_remote(source.base):
            yield joined(str(source.base), line)
        else:
            yield str(recipe.resolve(source.base) / line)
