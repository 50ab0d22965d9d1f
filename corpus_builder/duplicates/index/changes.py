"""Change an index: add the survivors of a search, remove documents, free their space; and check it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from corpus_builder.duplicates.index.contents import Index, KeptOut, Part, head_of, mark
from corpus_builder.duplicates.index.removals import hashes_in, id_hash, removed_documents, rows_named, sorted_hashes
from corpus_builder.duplicates.losers import is_of
from corpus_builder.duplicates.signed_files import SIGNED, SignedShard, SignedWriter, hash_of, id_bytes, keys_digest, opened
from corpus_builder.engine import Engine, Serial, engine_of
from corpus_builder.errors import InputError, IntegrityError
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups, read_manifest
from corpus_builder.store.files import INDEX_FILE, RESTORE, absolute
from corpus_builder.store.ownership import alone_in
from corpus_builder.store.receipt import lost_files
from corpus_builder.store.run import Runner
from corpus_builder.store.verification import verify

SHARD_ROWS = 1_000_000
ROWS_AT_A_TIME = 50_000
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Gather(Stage):
    """The stage that makes a part: the live rows of some signed shards, gathered into larger shards."""

    directory: str
    minhash: MinHash
    sources: tuple[tuple[SignedShard, Path | None], ...]  # with the Parquet file of their losers
    made_of: str
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[str, ...]] = SIGNED

    @property
    def name(self) -> str:
        """The name of the part's directory."""
        return self.directory

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per million rows or so."""
        shards: list[list[int]] = [[]]
        held = 0
        for number, (signed, _) in enumerate(self.sources):
            if shards[-1] and held + signed.rows > SHARD_ROWS:
                shards.append([])
                held = 0
            shards[-1].append(number)
            held += signed.rows
        made_from = {"stage": f"index/{self.version}", "made_of": self.made_of}
        return [Shard(f"{number:06}", made_from, sources) for number, sources in enumerate(shards)]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Copy the live rows."""
        writer = SignedWriter(out, self.minhash)
        for number in shard.task:
            signed, losers = self.sources[number]
            live = signed.live_rows(0, signed.rows)
            if losers is not None:
                live &= _survivors(losers, signed.rows)
            keys, sketches = opened(signed.keys), opened(signed.sketches)
            for first in range(0, signed.rows, ROWS_AT_A_TIME):
                rows = first + np.flatnonzero(live[first : first + ROWS_AT_A_TIME])
                some = rows[(keys["digest"][rows] != 0) | (keys["url"][rows] != 0)]
                writer.append(keys[some], sketches[some], id_bytes(signed, some))
        writer.close()


def _survivors(path: Path, rows: int) -> npt.NDArray[np.bool_]:
    """Which rows are not losers: the table has only the losers (of files), or all documents (of a build), whose survivors have nulls."""
    live = np.ones(rows, dtype=np.bool_)
    first = 0
    for group in read_groups(path):
        if "row" in group.column_names:
            live[group.column("row").to_numpy()] = False
        else:
            live[first : first + group.num_rows] = group.column("survivor").is_null().to_numpy()
            first += group.num_rows
    return live


def add(
    root: str | Path, out: str | Path, name: str | None = None, engine: Engine | None = None, progress: bool = False
) -> Index:
    """Add the documents that survived a build, or `deduplicate`, to an index; create the index if there is none.

    `name` defaults to the recipe's name, or the directory's.  Adding the same directory again replaces what it added.  Documents of
    the index that lost to new ones (indexed = "compete") are removed from it.
    """
    root, out = absolute(root), absolute(out)
    sign, match = read_manifest(out / "sign"), read_manifest(out / "match")
    head = head_of(out)
    if sign is None or match is None or head is None:
        raise InputError(f"{out} holds no finished search for duplicates; run `corpus-builder build` or `dedup` first.")
    name = name or head.name
    with _changing(root, new=True), engine_of(engine, Serial) as engine:
        engine.share(root)
        index = Index.open(root) if (root / INDEX_FILE).exists() else Index(root, head.minhash, head.keep)
        index.fits(head.minhash, head.keep, "stay")
        own = index.own(out)
        _checked(index, out, sign, match)
        if own is not None and own.name != name:
            raise InputError(
                f"The index {root} has the documents of {out} already, as the part {own.name!r}; add them under that --name."
            )
        if own is None and name in [part.name for part in index.parts]:
            raise InputError(
                f"The index {root} has a part {name!r} already, and it is not from {out}; give this one another --name."
            )
        screen = read_manifest(out / "screen")
        sources = []
        for receipt in sign.receipts:
            (table,) = match.by_shard[receipt.shard].tables
            live = screen.get(receipt.shard, "live") if screen else None
            sources.append((SignedShard.of(sign, receipt, live=live), match.get(receipt.shard, table)))
        origin = digest_of([[receipt.shard, receipt.made_of] for receipt in (*sign.receipts, *match.receipts)])
        stage = Gather(f"part-{origin[:16]}", head.minhash, tuple(sources), origin)
        Runner(root / "parts", engine, progress=progress).run(stage)
        part = Part(name, stage.name, origin, origin, kept_out=own.kept_out if own else "")
        removed = removed_documents(index, own) if own else {}
        place = index.parts.index(own) if own else len(index.parts)
        # Documents that the part superseded when it was added before are live again, and are removed again if they still lose.
        kept = index.without_cause({own.origin}).parts[:place] if own else index.parts
        mark(out, origin)  # first: a run in `out` that finds no such part yet sees the index as it was
        index = replace(index, parts=(*kept, part, *index.parts[place + 1 :])).without(_superseded(out, match), by=origin)
        for by, documents in removed.items():
            index = index.without(rows_named(index, [index.parts[place]], documents=documents).rows, by)
        ids, urls = hashes_in(index, index.kept_out.ids), hashes_in(index, index.kept_out.urls)
        return index.without(rows_named(index, [index.parts[place]], ids, urls).rows).write()


def _written(index: Index, hashes: npt.NDArray[np.uint64]) -> str:
    """Write some hashes into `removed`; the name of the file, or "" if there are none."""
    return index.write_removed(hashes) if len(hashes) else ""


@contextmanager
def _changing(root: Path, new: bool = False) -> Iterator[None]:
    """Hold the lock of an index, which exists or, if `new`, may be created."""
    if not new:
        Index.open(root)
    with alone_in(root, "index", ("parts", "removed")):
        yield


def _checked(index: Index, out: Path, sign: Manifest, match: Manifest) -> None:
    """Raises InputError if the search in a directory was not over its documents, or not against the index, as they are now."""
    seen = {(r.made_from["keys"], r.made_from.get("index", "")) for r in match.receipts}
    if seen - {(keys_digest(sign), digest) for _, digest in seen} or {r.shard for r in sign.receipts} != set(match.by_shard):
        raise InputError(f"The search for duplicates in {out} did not finish since its documents changed; run it again first.")
    if lost := [
        path for manifest in (sign, match) for receipt in manifest.receipts for path in lost_files(manifest.root, receipt)
    ]:
        raise IntegrityError(f"{lost[0]} is missing or truncated; run the build or `dedup` that wrote it again, then add {out}.")
    if any(digest != index.before(out).digest for _, digest in seen):
        raise InputError(
            f"The documents of {out} were not compared with the index {index.root} as it is now; run the build or `dedup` again with "
            f"--index {index.root} (a recipe: [dedup] index), then add them."
        )


def _superseded(out: Path, match: Manifest) -> dict[tuple[str, str], I64]:
    """Rows of the index that lost to documents of `out`."""
    manifest = read_manifest(out / "superseded")
    found: dict[tuple[str, str], list[int]] = {}
    if manifest is None or not match.receipts or not is_of(manifest.receipts[0], match.receipts[0]):
        return {}
    for path in manifest.paths("superseded"):
        for row in (row for group in read_groups(path, ["part", "shard", "row"]) for row in group.to_pylist()):
            found.setdefault((row["part"], row["shard"]), []).append(row["row"])
    return {place: np.array(sorted(rows), dtype=np.int64) for place, rows in found.items()}


@dataclass(frozen=True)
class Removed:
    """What `remove` did."""

    documents: int
    unknown: tuple[str, ...]  # ids and URLs of which the index holds no document


def remove(root: str | Path, ids: Sequence[str] = (), urls: Sequence[str] = ()) -> Removed:
    """Remove documents from an index by id or URL; nothing loses to them from then on, and no addition brings them back."""
    root = absolute(root)
    with _changing(root):
        index = Index.open(root)
        by_id, by_url = {id_hash(id_): id_ for id_ in ids}, {hash_of(url): url for url in urls}
        found = rows_named(index, index.parts, sorted_hashes(by_id), sorted_hashes(by_url))
        if urls and not found.urls_known:
            raise InputError(
                f"The index {root} knows no URLs: the rows that were added to it had none in the column `url`, or in that of "
                "`dedup --url-column`. Remove documents by id."
            )
        kept_out = KeptOut(
            _written(index, np.union1d(hashes_in(index, index.kept_out.ids), sorted_hashes(by_id))),
            _written(index, np.union1d(hashes_in(index, index.kept_out.urls), sorted_hashes(by_url))),
        )
        replace(index, kept_out=kept_out).without(found.rows).write()
    unknown = [id_ for hash_, id_ in by_id.items() if hash_ not in found.ids]
    unknown += [url for hash_, url in by_url.items() if hash_ not in found.urls]
    return Removed(found.documents, tuple(unknown))


def compact(root: str | Path, engine: Engine | None = None, progress: bool = False) -> Index:
    """Rewrite every part from which rows were removed, without them, in shards of about a million rows."""
    root = absolute(root)
    with _changing(root), engine_of(engine, Serial) as engine:
        engine.share(root)
        index = Index.open(root)
        parts = []
        for part in index.parts:
            if part.removed:
                alone = replace(index, parts=(part,))
                made_of = digest_of([part.made_of, dict(part.removed)])
                stage = Gather(f"part-{made_of[:16]}", index.minhash, tuple((s, None) for s in alone.shards()), made_of)
                Runner(root / "parts", engine, progress=progress).run(stage)
                part = Part(
                    part.name,
                    stage.name,
                    part.origin,
                    made_of,
                    kept_out=_written(index, np.unique(np.concatenate([*removed_documents(index, part).values()]))),
                )
            parts.append(part)
        return replace(index, parts=tuple(parts)).write()


def check(root: str | Path) -> list[str]:
    """Sentences on everything in an index that differs from its manifests; empty if nothing does."""
    index = Index.open(Path(root))
    problems = []
    for part in index.parts:
        try:
            problems += verify(index.manifest(part), Gather, RESTORE)
        except IntegrityError as error:
            problems.append(str(error))
    for name in index.removed_files:
        path = index.root / "removed" / name
        try:
            sound = hashlib.sha256(opened(path).tobytes()).hexdigest()[:32] == name.removesuffix(".npy")
        except IntegrityError:
            sound = False
        if not sound:
            problems.append(f"{path} is missing or damaged; without it removed documents would count again; {RESTORE}.")
    return problems
