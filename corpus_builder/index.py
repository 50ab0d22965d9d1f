"""A living index: what is known of the documents that stand, without their texts, to hold later crawls against.

INDEX/index.json        format, hash specification, and the parts in the order in which they were added; replaced as a whole
INDEX/parts/NAME.xxxx/  a sealed dataset: keys, cards and ids (see `signed`) of the documents that the search kept
INDEX/gone/xxxx.npy     rows that were removed from a shard of a part, sorted

Whatever index.json does not name is left over from a command that broke off, and is cleared away by the next.  Only documents that
stand are held: one that lost, or was removed, never costs a later copy its place.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from corpus_builder.dataset import Manifest, Shard, ShardWriter, digest_of, read_groups, read_manifest, sealed_manifest, verify
from corpus_builder.dedup.minhash import SPECIFICATION, MinHash
from corpus_builder.engine import Engine, Serial
from corpus_builder.errors import InputError, IntegrityError, RecipeError
from corpus_builder.files import alone_in, write_atomically
from corpus_builder.recipe import Recipe
from corpus_builder.run import run_stage
from corpus_builder.signed import SignedShard, SignedWriter, hash_of, id_bytes, opened
from corpus_builder.stages.verdicts import is_of

FORMAT = "corpus_builder-index/1"
SHARD_ROWS = 1_000_000
ROWS_AT_A_TIME = 50_000
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Documents that were added at a time; `gone` names, by shard, the files of the rows that were removed since."""

    name: str
    directory: str
    made_of: str
    gone: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Index:
    """An index as it stands on disk."""

    root: Path
    minhash: MinHash
    keep: str
    parts: tuple[Part, ...] = ()

    @classmethod
    def open(cls, root: Path) -> Index:
        """Read index.json; InputError if there is none, IntegrityError if it is damaged or of another format or specification."""
        path = root / "index.json"
        try:
            value = json.loads(path.read_bytes())
            if value["format"] != FORMAT or value["specification"] != SPECIFICATION:
                raise IntegrityError(
                    f"The index {root} has format {value['format']} and hash specification {value['specification']}, but this version reads "
                    f"{FORMAT} and {SPECIFICATION}; use the version that wrote it, or make a new index from the builds."
                )
            return cls(root, MinHash(**value["minhash"]), value["keep"], tuple(Part(**part) for part in value["parts"]))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(
                f"There is no index in {root} (no index.json); `corpus-builder index add {root} OUT` makes one."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"{path} is damaged ({error}); fetch the index again, or make a new one from the builds."
            ) from error

    def fits(self, minhash: MinHash, keep: str, elders: str) -> None:
        """RecipeError where documents that are hashed like this cannot be held against the index."""
        if minhash != self.minhash:
            raise RecipeError(
                f"The index {self.root} was made with {_words(self.minhash)}, but this run asks for {_words(minhash)}: such signatures "
                "cannot be compared. Ask for the index's own numbers, or make a new index."
            )
        if elders == "compete" and keep != self.keep:
            raise RecipeError(
                f"The index {self.root} ranks its documents by keep = {self.keep!r}, this run by {keep!r}: they cannot compete. Ask for "
                'the same, or let the documents of the index stay (elders = "stay").'
            )

    def before(self, out: Path) -> Index:
        """The index as it was before the documents of a directory were added to it, so that they do not meet themselves."""
        own = _own_part(out)
        names = [part.name for part in self.parts]
        return replace(self, parts=self.parts[: names.index(own)]) if own in names else self

    @property
    def digest(self) -> str:
        """Digest of what the index holds."""
        return digest_of([asdict(self.minhash), self.keep, [[part.made_of, dict(part.gone)] for part in self.parts]])

    def manifest(self, part: Part) -> Manifest:
        """What a part consists of."""
        return sealed_manifest(self.root / "parts" / part.directory)

    def shards(self) -> tuple[SignedShard, ...]:
        """All shards, for a search."""
        found = []
        for part in self.parts:
            manifest = self.manifest(part)
            for receipt in manifest.receipts:
                gone = part.gone.get(receipt.shard)
                shard = SignedShard.of(manifest, receipt, elder=True, gone=self.root / "gone" / gone if gone else None)
                found.append(replace(shard, name=f"{part.name}/{receipt.shard}"))
        return tuple(found)

    def summary(self) -> dict[str, Any]:
        """What the index holds, as JSON values."""
        parts = []
        for part in self.parts:
            manifest = self.manifest(part)
            gone = sum(len(opened(self.root / "gone" / name)) for name in part.gone.values())
            size = sum(table.size_bytes for receipt in manifest.receipts for table in receipt.tables.values())
            parts.append({"name": part.name, "documents": manifest.rows("keys") - gone, "removed": gone, "size_bytes": size})
        return {"format": FORMAT, "specification": SPECIFICATION, **asdict(self.minhash), "keep": self.keep, "parts": parts}

    def _write(self) -> Index:
        """Make this what the index is, then clear away what it does not name."""
        value = {
            "format": FORMAT,
            "specification": SPECIFICATION,
            "minhash": asdict(self.minhash),
            "keep": self.keep,
            "parts": [asdict(part) for part in self.parts],
        }
        write_atomically(self.root / "index.json", (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())
        named = {part.directory for part in self.parts}
        files = {name for part in self.parts for name in part.gone.values()}
        for found in sorted((self.root / "parts").rglob("*"), reverse=True) if (self.root / "parts").is_dir() else []:
            if found.relative_to(self.root / "parts").parts[0] not in named:
                found.rmdir() if found.is_dir() else found.unlink()
        for found in (self.root / "gone").glob("*"):
            if found.name not in files:
                found.unlink()
        return self

    def _with_gone(self, shards: Mapping[tuple[str, str], I64]) -> Index:
        """The index without some rows, by (part, shard)."""
        parts = []
        for part in self.parts:
            gone = dict(part.gone)
            for (name, shard), rows in shards.items():
                if name == part.name and len(rows):
                    before = opened(self.root / "gone" / gone[shard]) if shard in gone else np.zeros(0, dtype=np.int64)
                    gone[shard] = self._write_gone(np.union1d(before, rows))
            parts.append(replace(part, gone=gone))
        return replace(self, parts=tuple(parts))

    def _write_gone(self, rows: I64) -> str:
        name = f"{hashlib.sha256(rows.tobytes()).hexdigest()[:32]}.npy"
        packed = io.BytesIO()
        np.save(packed, rows)
        write_atomically(self.root / "gone" / name, packed.getvalue())
        return name


def _words(spec: MinHash) -> str:
    return f"{spec.ngram}-grams, {spec.bands} bands of {spec.rows} rows and seed {spec.seed}"


def _own_part(out: Path) -> str | None:
    try:
        return str(json.loads((out / ".index.json").read_bytes())["part"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Standing:
    """The stage that makes a part: rows that stand of some signed shards, gathered into larger ones."""

    name: str
    minhash: MinHash
    sources: tuple[tuple[SignedShard, Path | None], ...]  # with the Parquet file of their verdicts
    made_of: str
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard for about a million rows."""
        groups: list[list[int]] = [[]]
        held = 0
        for place, (signed, _) in enumerate(self.sources):
            if groups[-1] and held + signed.rows > SHARD_ROWS:
                groups.append([])
                held = 0
            groups[-1].append(place)
            held += signed.rows
        made_from = {"stage": f"index/{self.version}", "made_of": self.made_of}
        return [Shard(f"{number:06}", made_from, group) for number, group in enumerate(groups)]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Copy the rows that stand."""
        writer = SignedWriter(out, self.minhash)
        for place in shard.task:
            signed, verdicts = self.sources[place]
            stands = signed.standing(0, signed.rows)
            if verdicts is not None:
                stands &= _without_verdict(verdicts, signed.rows)
            keys, cards = opened(signed.keys), opened(signed.cards)
            for first in range(0, signed.rows, ROWS_AT_A_TIME):
                rows = first + np.flatnonzero(stands[first : first + ROWS_AT_A_TIME])
                some = rows[(keys["digest"][rows] != 0) | (keys["url"][rows] != 0)]
                writer.append(keys[some], cards[some], id_bytes(signed, some))
        writer.close()


def _without_verdict(path: Path, rows: int) -> npt.NDArray[np.bool_]:
    """Rows that no verdict drops: of a build, `winner` is null there; of files, the table has no such `row`."""
    stands = np.ones(rows, dtype=np.bool_)
    first = 0
    for group in read_groups(path):
        if "winner" in group.column_names:
            stands[first : first + group.num_rows] = group.column("winner").is_null().to_numpy()
            first += group.num_rows
        else:
            stands[group.column("row").to_numpy()] = False
    return stands


def add(
    root: str | Path, out: str | Path, name: str | None = None, engine: Engine | None = None, progress: bool = False
) -> Index:
    """Add the documents that stand after a build, or after `deduplicate`, to an index; make the index if there is none.

    `name` defaults to the recipe's name, or the directory's.  Adding the same directory again replaces what it added.  Documents of
    the index that lost to new ones (elders = "compete") are removed from it.
    """
    root, out = Path(root), Path(out)
    sign, match = read_manifest(out / "sign"), read_manifest(out / "match")
    head = _head_of(out)
    if sign is None or match is None or head is None:
        raise InputError(f"{out} holds no finished search for duplicates; run `corpus-builder build` or `dedup` first.")
    name = name or head.name
    with alone_in(root, "change"), closing(engine or Serial()) as engine:
        index = Index.open(root) if (root / "index.json").exists() else Index(root, head.minhash, head.keep)
        index.fits(head.minhash, head.keep, "stay")
        known = name in [part.name for part in index.parts]
        if known and _own_part(out) != name:
            raise InputError(
                f"The index {root} has a part {name!r} already, and it is not from {out}; give this one another --name."
            )
        screen = read_manifest(out / "screen")
        sources = []
        for receipt in sign.receipts:
            (verdicts,) = match.by_shard[receipt.shard].tables
            alive = screen.get(receipt.shard, "alive") if screen else None
            sources.append((SignedShard.of(sign, receipt, alive=alive), match.get(receipt.shard, verdicts)))
        made_of = digest_of([[receipt.shard, receipt.made_of] for receipt in (*sign.receipts, *match.receipts)])
        stage = Standing(f"{quote(name, safe='')}.{made_of[:8]}", head.minhash, tuple(sources), made_of)
        run_stage(stage, stage.plan({}), root / "parts", engine, progress)
        part = Part(name, stage.name, made_of)
        parts = [part if one.name == name else one for one in index.parts] + ([] if known else [part])
        # First the mark: a run in `out` that finds no such part yet sees the index as it was.
        write_atomically(out / ".index.json", json.dumps({"part": name}).encode())
        return replace(index, parts=tuple(parts))._with_gone(_superseded(out, match))._write()


@dataclass(frozen=True)
class Head:
    """How the documents of a directory were hashed and ranked."""

    name: str
    minhash: MinHash
    keep: str


HEAD_FILE = "dedup.json"


def write_head(out: Path, minhash: MinHash, keep: str) -> None:
    """Note beside deduplicated files how they were hashed and ranked."""
    value = {"format": FORMAT, "minhash": asdict(minhash), "keep": keep}
    content = (json.dumps(value, indent=1) + "\n").encode()
    if not (out / HEAD_FILE).exists() or (out / HEAD_FILE).read_bytes() != content:
        write_atomically(out / HEAD_FILE, content)


def _head_of(out: Path) -> Head | None:
    try:
        if (out / "build.json").exists():
            recipe = Recipe.of(json.loads((out / "build.json").read_bytes())["recipe"], where=str(out / "build.json"))
            return Head(recipe.name, recipe.dedup.minhash, recipe.dedup.keep) if recipe.dedup else None
        value = json.loads((out / HEAD_FILE).read_bytes())
        return Head(out.absolute().name, MinHash(**value["minhash"]), value["keep"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{out} is damaged ({error}); run the command that made it again.") from error


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
    """Take documents out of an index by id or URL; from then on, nothing loses to them."""
    root = Path(root)
    with alone_in(root, "change"):
        index = Index.open(root)
        by_id = {id_.encode("utf-8", "replace"): id_ for id_ in ids}
        by_url = {hash_of(url): url for url in urls}
        hashes = np.array(sorted(by_url), dtype=np.uint64)
        met: set[str] = set()
        gone: dict[tuple[str, str], I64] = {}
        documents = 0
        for part in index.parts:
            manifest = index.manifest(part)
            for receipt in manifest.receipts:
                signed = SignedShard.of(manifest, receipt)
                before = opened(root / "gone" / part.gone[receipt.shard]) if receipt.shard in part.gone else np.zeros(0, np.int64)
                rows: list[int] = []
                for first in range(0, signed.rows, ROWS_AT_A_TIME):
                    here = np.arange(first, min(first + ROWS_AT_A_TIME, signed.rows))
                    named = (
                        [row for row, id_ in zip(here.tolist(), id_bytes(signed, here), strict=True) if id_ in by_id]
                        if ids
                        else []
                    )
                    met.update(by_id[id_] for id_ in id_bytes(signed, np.array(named, dtype=np.int64)))
                    address = opened(signed.keys)["url"][here]
                    listed = here[np.isin(address, hashes)] if urls else here[:0]
                    met.update(by_url[int(value)] for value in address[listed - first].tolist())
                    rows += [*named, *listed.tolist()]
                gone[part.name, receipt.shard] = np.setdiff1d(np.array(rows, dtype=np.int64), before)
                documents += len(gone[part.name, receipt.shard])
        index._with_gone(gone)._write()
    return Removed(documents, tuple(one for one in (*ids, *urls) if one not in met))


def compact(root: str | Path, engine: Engine | None = None, progress: bool = False) -> Index:
    """Write every part that lost rows anew without them, in shards of about a million rows."""
    root = Path(root)
    with alone_in(root, "change"), closing(engine or Serial()) as engine:
        index = Index.open(root)
        parts = []
        for part in index.parts:
            if part.gone:
                alone = replace(index, parts=(part,))
                made_of = digest_of([part.made_of, dict(part.gone)])
                stage = Standing(
                    f"{quote(part.name, safe='')}.{made_of[:8]}", index.minhash, tuple((s, None) for s in alone.shards()), made_of
                )
                run_stage(stage, stage.plan({}), root / "parts", engine, progress)
                part = Part(part.name, stage.name, made_of)
            parts.append(part)
        return replace(index, parts=tuple(parts))._write()


def check(root: str | Path) -> list[str]:
    """Sentences on everything in an index that is not what its manifests say; empty if all is well."""
    index = Index.open(Path(root))
    problems = []
    for part in index.parts:
        try:
            problems += verify(index.manifest(part))
        except IntegrityError as error:
            problems.append(str(error))
        for name in part.gone.values():
            path = index.root / "gone" / name
            try:
                sound = hashlib.sha256(opened(path).tobytes()).hexdigest()[:32] == name.removesuffix(".npy")
            except IntegrityError:
                sound = False
            if not sound:
                problems.append(f"{path} is missing or damaged; without it removed documents would stand again. Fetch it again.")
    return problems
