"""An index: what is known of the documents of earlier crawls, without their texts, to compare later ones with.

INDEX/index.json        format, hash specification, and the parts in the order in which they were added; replaced as a whole
INDEX/parts/NAME.xxxx/  a sealed dataset: keys, sketches and ids (see `signed_files`) of the documents that the search kept
INDEX/removed/xxxx.npy  rows that were removed from a shard of a part, sorted; or 64-bit hashes of ids and URLs that must not come back

Whatever index.json does not name is left over from a command that was interrupted, and is removed by the next.  Only live documents
count: no later copy loses to one that lost, or was removed.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.duplicates.signed_files import Indexed, SignedShard, opened
from corpus_builder.errors import InputError, IntegrityError, RecipeError
from corpus_builder.hashing.minhash import SPECIFICATION, MinHash
from corpus_builder.messages.terminal import harmless
from corpus_builder.recipe.models import Recipe
from corpus_builder.store.dataset import Manifest, digest_of, sealed_manifest
from corpus_builder.store.files import INDEX_FILE, RESTORE, json_bytes, remedy, write_atomically, write_json
from corpus_builder.store.names import DIGEST, PART, REMOVED
from corpus_builder.store.ownership import clear_stage, files_named
from corpus_builder.store.receipt import lost_files

FORMAT = "corpus_builder-index/2"
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Documents that were added together.

    `origin` is a digest of what they were made from when they were added, `made_of` of what the files hold now.  `removed` names, by shard,
    the files of the rows that were removed since, each with the origin of the part whose documents superseded them, or "".  `kept_out` names
    the file of the documents that were removed when the part was compacted, or is "".
    """

    name: str
    directory: str
    origin: str
    made_of: str
    removed: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    kept_out: str = ""

    @property
    def removed_files(self) -> list[str]:
        """The files of all rows that were removed."""
        return [file for files in self.removed.values() for file, _ in files]


@dataclass(frozen=True)
class KeptOut:
    """The files of the ids and of the URLs that were removed for good, or ""; see `index.removals`."""

    ids: str = ""
    urls: str = ""


@dataclass(frozen=True)
class PartSummary:
    """How many live documents a part has, how many were removed from it, and how large its files are."""

    name: str
    documents: int
    removed: int
    size_bytes: int


@dataclass(frozen=True)
class Summary:
    """What an index holds; `ids_kept_out` and `urls_kept_out` count what was removed for good."""

    minhash: MinHash
    keep: str
    parts: tuple[PartSummary, ...]
    ids_kept_out: int
    urls_kept_out: int

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON values."""
        head = {"format": FORMAT, "specification": SPECIFICATION, **asdict(self.minhash), "keep": self.keep}
        kept_out = {"ids": self.ids_kept_out, "urls": self.urls_kept_out}
        return head | {"parts": [asdict(part) for part in self.parts], "kept_out": kept_out}


@dataclass(frozen=True)
class Index:
    """An index as it is on disk."""

    root: Path
    minhash: MinHash
    keep: str
    parts: tuple[Part, ...] = ()
    kept_out: KeptOut = KeptOut()

    @classmethod
    def open(cls, root: Path) -> Index:
        """Read index.json.  Raises InputError if there is none, IntegrityError if it is damaged or has another format or specification."""
        path = root / INDEX_FILE
        try:
            value = json.loads(path.read_bytes())
            if value["format"] != FORMAT or value["specification"] != SPECIFICATION:
                raise IntegrityError(
                    f"The index {root} has format {value['format']} and hash specification {value['specification']}, but this version reads "
                    f"{FORMAT} and {SPECIFICATION}; use the version that wrote it, or make a new index from the builds."
                )
            parts, kept_out = tuple(_part(part) for part in value["parts"]), _kept_out(value.get("kept_out", {}))
            return cls(root, _minhash(value["minhash"]), str(value["keep"]), parts, kept_out)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(
                f"There is no index in {root} (no index.json); `corpus-builder index add {root} OUT` makes one."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, IsADirectoryError) as error:
            raise IntegrityError(f"{path} is damaged ({error}); {RESTORE}.") from error

    def fits(self, minhash: MinHash, keep: str, indexed: str) -> None:
        """Raises RecipeError if documents that are hashed and ranked like this cannot be compared with the index."""
        if minhash != self.minhash:
            raise RecipeError(
                f"The index {self.root} was made with {_words(self.minhash)}, but this run asks for {_words(minhash)}: such signatures "
                "cannot be compared. Ask for the index's own numbers, or make a new index."
            )
        if indexed == "compete" and keep != self.keep:
            raise RecipeError(
                f"The index {self.root} ranks its documents by keep = {self.keep!r}, this run by {keep!r}: they cannot compete. Ask for "
                'the same, or let the documents of the index stay (indexed = "stay").'
            )

    def own(self, out: Path) -> Part | None:
        """The part that holds the documents of a directory; None if they were never added."""
        added = _origins_of(out)
        return next((part for part in self.parts if part.origin in added), None)

    def before(self, out: Path) -> Index:
        """The index as it was before the documents of a directory were added to it, so that they are not compared with themselves.

        Documents that were removed by id or URL since, or compacted, stay removed all the same.
        """
        own = self.own(out)
        if own is None:
            return self
        place = self.parts.index(own)
        restored = self.without_cause({part.origin for part in self.parts[place:]})
        return replace(restored, parts=restored.parts[:place])

    def without_cause(self, origins: Set[str]) -> Index:
        """The index with the documents that parts of some origins superseded."""
        parts = []
        for part in self.parts:
            removed = {shard: [one for one in files if one[1] not in origins] for shard, files in part.removed.items()}
            parts.append(replace(part, removed={shard: files for shard, files in removed.items() if files}))
        return replace(self, parts=tuple(parts))

    @property
    def digest(self) -> str:
        """Digest of what the index holds; "" if it holds nothing."""
        parts = [[part.made_of, dict(part.removed)] for part in self.parts]
        return digest_of([asdict(self.minhash), self.keep, parts]) if parts else ""

    def manifest(self, part: Part) -> Manifest:
        """The manifest of a part."""
        return sealed_manifest(self.root / "parts" / part.directory)

    def shards_of(self, part: Part) -> list[SignedShard]:
        """The shards of a part.  Raises IntegrityError if one of their files is missing or truncated."""
        manifest = self.manifest(part)
        if lost := [path for receipt in manifest.receipts for path in lost_files(manifest.root, receipt)]:
            files = f"{lost[0]} is" if len(lost) == 1 else f"{lost[0]} and {len(lost) - 1} more are"
            raise IntegrityError(f"{files} missing or truncated; {remedy(lost[0], RESTORE)}.")
        removed = {shard: tuple(self.root / "removed" / name for name, _ in files) for shard, files in part.removed.items()}
        return [
            SignedShard.of(manifest, receipt, indexed=True, removed=removed.get(receipt.shard, ()))
            for receipt in manifest.receipts
        ]

    def shards(self) -> tuple[SignedShard, ...]:
        """All shards, for a search."""
        return tuple(replace(shard, name=f"{part.name}/{shard.name}") for part in self.parts for shard in self.shards_of(part))

    def summary(self) -> Summary:
        """What the index holds."""
        parts = []
        for part in self.parts:
            manifest = self.manifest(part)
            removed = sum(len(opened(self.root / "removed" / name)) for name in part.removed_files)
            size = sum(table.size_bytes for receipt in manifest.receipts for table in receipt.tables.values())
            parts.append(PartSummary(part.name, manifest.rows("keys") - removed, removed, size))
        ids, urls = (len(opened(self.root / "removed" / file)) if file else 0 for file in (self.kept_out.ids, self.kept_out.urls))
        return Summary(self.minhash, self.keep, tuple(parts), ids, urls)

    @property
    def removed_files(self) -> list[str]:
        """All files of `removed` that the index names."""
        parts = [name for part in self.parts for name in (*part.removed_files, part.kept_out)]
        return [name for name in (*parts, self.kept_out.ids, self.kept_out.urls) if name]

    def write(self) -> Index:
        """Write this as the index, then remove every file that it does not name."""
        value = {
            "format": FORMAT,
            "specification": SPECIFICATION,
            "minhash": asdict(self.minhash),
            "keep": self.keep,
            "parts": [asdict(part) for part in self.parts],
            "kept_out": asdict(self.kept_out),
        }
        write_json(self.root / INDEX_FILE, value)
        named = {part.directory for part in self.parts}
        files = set(self.removed_files)
        for found in sorted((self.root / "parts").glob("part-*")):
            if PART.fullmatch(found.name) and found.name not in named:
                clear_stage(found)
        for found in files_named(self.root / "removed", REMOVED):
            if found.name not in files:
                found.unlink()
        return self

    def without(self, shards: Mapping[tuple[str, str], I64], by: str = "") -> Index:
        """The index without some live rows, by (part, shard); `by` is the origin of the part that superseded them."""
        parts = []
        for part in self.parts:
            removed = dict(part.removed)
            for (name, shard), rows in shards.items():
                if name == part.name and len(rows):
                    removed[shard] = [*removed.get(shard, ()), (self.write_removed(rows), by)]
            parts.append(replace(part, removed=removed))
        return replace(self, parts=tuple(parts))

    def write_removed(self, rows: npt.NDArray[Any]) -> str:
        """Write numbers of rows, or hashes, into `removed`; the name of the file."""
        name = f"{hashlib.sha256(rows.tobytes()).hexdigest()[:32]}.npy"
        packed = io.BytesIO()
        np.save(packed, rows)
        write_atomically(self.root / "removed" / name, packed.getvalue())
        return name


def indexed_of(root: Path | None, out: Path, minhash: MinHash, keep: str, indexed: str) -> Indexed:
    """The documents of an index that those of a directory are compared with; none without an index."""
    if root is None:
        return Indexed()
    index = Index.open(root).before(out)
    index.fits(minhash, keep, indexed)
    return Indexed(index.shards(), index.digest)


def _part(value: Mapping[str, Any]) -> Part:
    """A part as index.json has it.  Raises ValueError if it names a file that cannot be an index's."""
    part = Part(**value)
    if not isinstance(part.name, str):
        raise ValueError(f"the name of a part is {part.name!r}")
    digests = (part.made_of, part.origin, *(by for files in part.removed.values() for _, by in files if by))
    for form, names in {
        PART: [part.directory],
        REMOVED: [*part.removed_files, *filter(None, [part.kept_out])],
        DIGEST: digests,
    }.items():
        for name in names:
            if not form.fullmatch(name):
                raise ValueError(f"it names {name!r}, which is not a file of an index")
    return part


def _kept_out(value: Mapping[str, Any]) -> KeptOut:
    """What index.json says was removed for good.  Raises ValueError if it names a file that cannot be an index's."""
    kept_out = KeptOut(**value)
    for name in filter(None, (kept_out.ids, kept_out.urls)):
        if not REMOVED.fullmatch(name):
            raise ValueError(f"it names {name!r}, which is not a file of an index")
    return kept_out


def _minhash(value: Mapping[str, Any]) -> MinHash:
    return MinHash(**{name: int(number) for name, number in value.items()})


def _words(spec: MinHash) -> str:
    return f"{spec.ngram}-grams, {spec.bands} bands of {spec.rows} rows and seed {spec.seed}"


MARK_FILE = ".index.json"


def mark(out: Path, origin: str) -> None:
    """Note in a directory that its documents were added to an index."""
    write_json(out / MARK_FILE, {"added": sorted({*_origins_of(out), origin})})


def _origins_of(out: Path) -> list[str]:
    path = out / MARK_FILE
    try:
        return [origin for origin in json.loads(path.read_bytes())["added"] if DIGEST.fullmatch(origin)]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(
            f"{path} is damaged ({error}), so that {out} cannot tell which documents of an index are its own; restore it, or make a new index from the builds."
        ) from error


@dataclass(frozen=True)
class Head:
    """How the documents of a directory were hashed and ranked."""

    name: str
    minhash: MinHash
    keep: str


HEAD_FILE = "dedup.json"


def write_head(out: Path, minhash: MinHash, keep: str) -> None:
    """Note in the directory of deduplicated files how they were hashed and ranked."""
    value = {"format": FORMAT, "minhash": asdict(minhash), "keep": keep}
    content = json_bytes(value)
    if not (out / HEAD_FILE).exists() or (out / HEAD_FILE).read_bytes() != content:
        write_atomically(out / HEAD_FILE, content)


def head_of(out: Path) -> Head | None:
    """How the documents of a build, or of deduplicated files, were hashed and ranked; None if they were not."""
    try:
        if (out / "build.json").exists():
            recipe = Recipe.of(json.loads((out / "build.json").read_bytes())["recipe"], where=str(out / "build.json"))
            return Head(recipe.name, recipe.dedup.minhash, recipe.dedup.keep) if recipe.dedup else None
        value = json.loads((out / HEAD_FILE).read_bytes())
        return Head(out.absolute().name, _minhash(value["minhash"]), value["keep"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{out} is damaged ({error}); run the command that made it again.") from error


def as_text(found: Summary) -> str:
    """The summary of an index as lines for a terminal."""
    spec = found.minhash
    lines = [
        f"{FORMAT}, {SPECIFICATION}: {spec.ngram}-grams, {spec.bands} bands of {spec.rows} rows, seed {spec.seed}, keep {found.keep}"
    ]
    for part in found.parts:
        gone = f", {part.removed:,} removed" if part.removed else ""
        lines.append(f"{harmless(part.name):24} {part.documents:>15,} documents{gone}, {part.size_bytes:,} bytes")
    if found.ids_kept_out or found.urls_kept_out:
        lines.append(f"kept out for good: {found.ids_kept_out:,} ids, {found.urls_kept_out:,} URLs")
    return "\n".join(lines)
