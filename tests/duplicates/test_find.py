"""The search finds what its definition says, however the work is cut, and on whatever engine."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder import Serial
from corpus_builder.duplicates.copies import copies_between
from corpus_builder.duplicates.find import find_duplicates
from corpus_builder.duplicates.search import Search
from corpus_builder.duplicates.signed_files import SignedShard, SignedWriter, estimates, keys_type, sketches_type
from corpus_builder.hashing.matching import Matching
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.store.dataset import Dataset, Shard, read_table
from corpus_builder.store.run import Runner

SPEC = MinHash(bands=3, rows=2)
VALUE = estimates(SPEC.hashes)
ROW = 80 * SPEC.bands  # bytes that a row takes of a task's memory

rows = st.tuples(
    st.integers(-2, 2),  # rank
    st.integers(0, 4),  # digest; 0: no text
    st.integers(0, 5),  # url; 0: none
    st.tuples(*[st.integers(0, 5)] * SPEC.bands),  # keys
    st.lists(st.integers(1, 2), min_size=SPEC.hashes, max_size=SPEC.hashes),  # sketch
)
shards = st.lists(st.tuples(st.booleans(), st.lists(rows, max_size=5)), max_size=3).map(
    lambda found: sorted(found, key=lambda shard: not shard[0])  # indexed first
)
matchings = st.builds(
    Matching,
    st.just(SPEC),
    url=st.booleans(),
    verify=st.sampled_from([None, 0.0, 0.6, 1.0]),
    groups=st.sampled_from(["first", "components"]),
    indexed=st.sampled_from(["stay", "compete"]),
)


def sign(found, where: Path) -> tuple[SignedShard, ...]:
    """Signed shards with these rows, as `sign` would write them."""
    dataset, receipts = Dataset(where, "sign", 1), []
    for number, (_, documents) in enumerate(found):
        with dataset.writer(Shard(f"s{number}", {})) as out:
            writer = SignedWriter(out, SPEC)
            keys, sketches = np.zeros(len(documents), keys_type(3)), np.zeros(len(documents), sketches_type(6))
            for row, (rank, digest, url, bands, sketch) in enumerate(documents):
                keys[row] = (rank, digest, url, tuple(key << 60 for key in bands))
                sketches[row] = (0, 0, 9, sketch if digest else [0] * 6)
            writer.append(keys, sketches, [f"s{number}/{row}".encode() for row in range(len(documents))])
            writer.close()
            receipts.append(out.commit())
    manifest = dataset.seal(receipts)
    return tuple(SignedShard.of(manifest, receipt, indexed) for receipt, (indexed, _) in zip(receipts, found, strict=True))


def as_found(out) -> dict[str, tuple[str, str, float, str]]:
    tables = [read_table(path).to_pylist() for path in out.manifest.paths("losers")]
    return {r["loser"]: (r["survivor"], r["matched"], round(r["similarity"], 9), r["rule"]) for table in tables for r in table}


def copies(result, found) -> tuple[dict[str, int], dict[str, int]]:
    """The numbers of copies: of the losers, and of the survivors."""
    losers = [row for path in result.manifest.paths("losers") for row in read_table(path).to_pylist()]
    survivors = {}
    for shard in range(len(found)):
        for place, count in zip(*copies_between(result.copies_of(shard), shard << 32, (shard + 1) << 32), strict=True):
            survivors[f"s{shard}/{place & 0xFFFFFFFF}"] = int(count)
    return {row["loser"]: row["duplicates"] for row in losers}, survivors


def defined(found, matching: Matching) -> dict[str, tuple[str, str, float, str]]:
    """The same, straight from the definitions, looking at every pair."""
    documents = {f"s{s}/{r}": (indexed, *row) for s, (indexed, all_) in enumerate(found) for r, row in enumerate(all_)}
    place = {name: number for number, name in enumerate(documents)}
    stay = {name for name, row in documents.items() if row[0] and matching.indexed == "stay"}
    order = {name: (-99 if name in stay else row[1], place[name]) for name, row in documents.items()}

    def alike(one: str, other: str) -> float:
        left, right = documents[one], documents[other]
        return float(VALUE[sum(a == b for a, b in zip(left[5], right[5], strict=True))]) if left[2] and right[2] else 0.0

    matches: list[tuple[str, str, float, str]] = []  # loser, matched, similarity, phase
    out: set[str] = set()
    for phase in matching.phases:
        stands = [name for name, row in documents.items() if name not in out and row[3 if phase == "url" else 2]]
        pairs = []
        for one, other in itertools.permutations(stands, 2):
            left, right = documents[one], documents[other]
            shared = {
                "url": left[3] == right[3],
                "exact": left[2] == right[2],
                "near": bool(set(left[4]) & set(right[4])),  # a key's band is part of it
            }[phase]
            if order[other] < order[one] and shared and (one not in stay or matching.groups == "components"):
                similarity = 1.0 if phase == "exact" else alike(one, other)
                if phase != "near" or matching.verify is None or similarity >= matching.verify:
                    pairs.append((one, other, similarity, phase))
        out |= {loser for loser, *_ in pairs} - stay
        if matching.groups == "first":
            pairs = [min((p for p in pairs if p[0] == loser), key=lambda p: order[p[1]]) for loser in {p[0] for p in pairs}]
        matches += pairs
    neighbours: dict[str, list[tuple[tuple[int, int], int, str, float, str]]] = {}
    root = {name: name for name in documents}
    for loser, matched, similarity, phase in matches:
        for one, other in ((loser, matched), (matched, loser)):
            neighbours.setdefault(one, []).append((order[other], matching.phases.index(phase), other, similarity, phase))
        ends = root[loser], root[matched]
        best = min(ends, key=lambda name: order[name])
        root = {name: best if end in ends else end for name, end in root.items()}
    losers = {}
    for name, end in root.items():
        if end != name and name not in stay:
            _, _, other, similarity, phase = min(neighbours[name])
            losers[name] = (end, other, round(similarity, 9), phase)
    return losers


@settings(deadline=None, max_examples=50)
@given(shards, matchings, st.sampled_from([ROW, 4 * ROW, 1 << 20]))
def test_the_losers_are_those_of_the_definition(found, matching, memory):
    with tempfile.TemporaryDirectory() as directory:
        search = Search(sign(found, Path(directory) / "sign"), matching, "", memory)
        result = find_duplicates(search, Runner(Path(directory), Serial(), search.memory_bytes))
        out, (of_losers, of_survivors) = as_found(result), copies(result, found)
    sizes = Counter(kept for kept, *_ in out.values())
    assert of_survivors == {name: losers + 1 for name, losers in sizes.items()}
    assert of_losers == {name: sizes[kept] + 1 for name, (kept, *_) in out.items()}
    expected = defined(found, matching)
    assert set(out) == set(expected)
    assert {name: (kept, rule) for name, (kept, _, _, rule) in out.items()} == {
        name: (kept, rule) for name, (kept, _, _, rule) in expected.items()
    }
    if matching.groups == "first" or matching.verify is None:  # else connected documents are not compared further
        assert out == expected
