"""Receipts, which certify committed shards."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus_builder.store import names
from corpus_builder.store.names import digest_of, stem_of
from corpus_builder.store.shard_files import TableFile


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record of one committed shard: what it was made from, its files and its stats."""

    shard: str
    made_from: Mapping[str, str]
    tables: Mapping[str, TableFile]
    stats: Mapping[str, Any]  # as JSON; `Manifest.stats` reads them

    @property
    def made_of(self) -> str:
        """Digest of what the shard was made from."""
        return digest_of(self.made_from)

    def as_json(self) -> dict[str, Any]:
        """The receipt as JSON values."""
        return {
            "shard": self.shard,
            "made_from": dict(self.made_from),
            "tables": {name: asdict(table) for name, table in sorted(self.tables.items())},
            "stats": self.stats,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Receipt:
        """The receipt that `as_json` wrote; raises ValueError if a name in it is not one that a writer gives."""
        tables = {name: TableFile(**table) for name, table in value["tables"].items()}
        receipt = cls(value["shard"], value["made_from"], tables, value["stats"])
        counts = [number for table in tables.values() for number in (table.rows, table.size_bytes)]
        if not all(isinstance(number, int) and number >= 0 for number in counts) or not isinstance(receipt.stats, dict):
            raise ValueError(f"the numbers of the shard {receipt.shard!r} are none")
        if not all(isinstance(text, str) for text in (*receipt.made_from, *receipt.made_from.values())):
            raise ValueError(f"what the shard {receipt.shard!r} is made from are not texts")
        stem = file_stem(receipt.shard, receipt.made_of)
        for name, table in tables.items():
            start = f"{name}/{stem}"
            known = names.TABLE.fullmatch(name) and table.path.startswith(start)
            if not known or not names.SUFFIX.fullmatch(table.path[len(start) :]) or not names.SHA256.fullmatch(table.sha256):
                raise ValueError(f"it names {table.path!r}, which is not a file of the shard {receipt.shard!r}")
        return receipt


def file_stem(shard: str, made_of: str) -> str:
    """The common start of the names of a shard's files.

    >>> file_stem("web.warc.gz", "3f9a01bc6d2e")
    'web.warc.gz.3f9a01bc'
    """
    return f"{stem_of(shard)}.{made_of[:8]}"


def lost_files(root: Path, receipt: Receipt) -> list[Path]:
    """The files of a receipt that are missing or have another length."""
    lost = []
    for table in receipt.tables.values():
        path = root / table.path
        try:
            there = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            lost.append(path)
            continue
        if not stat.S_ISREG(there.st_mode) or there.st_size != table.size_bytes:  # the target of a link is not ours
            lost.append(path)
    return lost
