"""Labels by hand: a table or JSON lines beside a sample become a label file like that of a model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from corpus_builder.classifier.labels import Labelled, read_labels
from corpus_builder.classifier.model import Property
from corpus_builder.errors import InputError, did_you_mean
from corpus_builder.selection.documents import rows_of
from corpus_builder.selection.label import Labelling
from corpus_builder.selection.policy import Policy
from corpus_builder.selection.sample import write_new
from corpus_builder.store.apart import keep_file_apart
from corpus_builder.store.files import json_bytes


def label_by_hand(
    sample: str | Path, labels: str | Path, out: str | Path = "labels.jsonl", *, policy: str | Path | None = None
) -> Labelling:
    """Put labels by hand beside the documents of a sample that they name, by id; those without a label are left out.

    `labels` is a table with tab-separated columns or JSON lines (`corpus_builder.classifier.labels`).  With `policy`, its properties
    and values are the only ones allowed.  Raises InputError for a row that cannot be used, a label of no document, and two of one.
    """
    sample, labels, out = Path(sample), Path(labels), Path(out)
    keep_file_apart(out, (sample, labels))
    properties = {one.name: one for one in Policy.load(policy).properties} if policy is not None else None
    read = read_labels([labels, sample])
    if read.bad_rows:
        raise InputError(f"{labels}: {read.bad_rows:,} rows cannot be used; correct them. The first: {read.complaints[0]}")
    found: dict[str, Labelled] = {}
    for one in read.rows:
        if one.id in found:
            raise InputError(f"{labels} labels the document {one.id!r} twice; leave one of the two.")
        found[one.id] = one
        for name, value in one.labels.items() if properties is not None else ():
            if complaint := _complaint(name, value, properties or {}):
                raise InputError(f"{labels}, document {one.id!r}: {complaint}")
    lines, documents = [], 0
    for row in rows_of(sample):
        documents += 1
        if (key := str(row.get("id", ""))) in found:
            hand = found.pop(key)
            given = {name: _whole(value) for name, value in hand.labels.items()}
            lines.append(json_bytes({**row, "labels": given, "by": hand.by or "hand"}, indent=None))
    if found:
        raise InputError(
            f"{labels} labels {len(found):,} documents that {sample} does not have, the first {next(iter(found))!r}; give the sample that "
            "was labelled."
        )
    content = b"".join(lines)
    write_new(out, content)
    return Labelling(out, documents, len(lines), digest=hashlib.sha256(content).hexdigest())


def _whole(value: float | str) -> float | str:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _complaint(name: str, value: float | str, properties: Mapping[str, Property]) -> str:
    """What is wrong with a label by a policy; "" for nothing."""
    if name not in properties:
        return f"the policy has no property {name!r}{did_you_mean(name, properties) or '.'} It has {', '.join(properties)}."
    said, values = str(_whole(value)), properties[name].values
    return "" if said in values else f"{name} = {said!r} is none of {', '.join(values)}{did_you_mean(said, values) or '.'}"
