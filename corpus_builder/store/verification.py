"""Checks whether a dataset's files are what its manifest records."""

from __future__ import annotations

import os

import pyarrow.parquet as pq

from corpus_builder.store.dataset import Dataset, Kind, Manifest
from corpus_builder.store.files import digest_file


def verify(manifest: Manifest, kind: Kind, again: str = "build again") -> list[str]:
    """Sentences on a manifest that does not fit its kind of stage or its receipts, and on every file that is missing or differs from it;
    empty if all is well.  `again` says what makes a file again.
    """
    tables = {name for receipt in manifest.receipts for name in receipt.tables}
    problems = [
        f"{path} is a symbolic link, which the build did not write; remove it and {again}."
        for path in (manifest.root, *(manifest.root / name for name in sorted(tables)))
        if path.is_symlink()
    ]
    if problems:
        return problems
    dataset = Dataset(manifest.root, manifest.stage, manifest.version, kind.tables, kind.stats)
    sealed = manifest.root / "manifest.json"
    for receipt in manifest.receipts:
        standing = dataset.last_receipt(receipt.shard)
        if problem := dataset.problem(receipt):
            problems.append(f"{sealed} is damaged: {problem}; delete it and {again}.")
        elif standing is not None and standing != receipt and standing.made_from == receipt.made_from:
            problems.append(f"{sealed} and the shard's receipt differ on the shard {receipt.shard!r}; delete both and {again}.")
        for table in receipt.tables.values():
            path = manifest.root / table.path
            if not os.path.lexists(path):
                problems.append(f"{path} is missing; {again}.")
            elif path.is_symlink() or not path.is_file():
                problems.append(f"{path} is not a plain file; remove it and {again}.")
            elif digest_file(path) != table.sha256:
                problems.append(f"{path} is not the file that the manifest describes; delete it and {again}.")
            elif path.suffix == ".parquet" and pq.read_metadata(path).num_rows != table.rows:
                problems.append(f"{path} does not hold the {table.rows} rows that its manifest says.")
    return problems
