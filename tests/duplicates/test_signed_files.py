"""What was signed is read back from any place, whatever the ids are, and a file that is gone or cut is a sentence."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.duplicates import signed_files
from corpus_builder.duplicates.signed_files import (
    SignedShard,
    SignedWriter,
    estimates,
    hash_of,
    ids_of,
    opened,
    places,
    sketches_of,
    split,
)
from corpus_builder.errors import IntegrityError
from corpus_builder.hashing.minhash import MinHash, band_keys, signatures
from corpus_builder.store.dataset import Dataset, Shard

SPEC = MinHash(bands=3, rows=4)


def sign(shards: list[list[tuple[str, str]]], where: Path, batch: int = 2, spec: MinHash = SPEC) -> tuple[SignedShard, ...]:
    """Shards of documents (id, text), written a batch at a time."""
    dataset, receipts = Dataset(where, "sign", 1), []
    for number, rows in enumerate(shards):
        with dataset.writer(Shard(f"s{number}", {})) as out:
            writer = SignedWriter(out, spec)
            for first in range(0, len(rows), batch):
                ids, texts = zip(*rows[first : first + batch], strict=True)
                writer.write(ids, texts, np.arange(first, first + len(ids)), [f"https://{id_}" if id_ else None for id_ in ids])
            writer.close()
            receipts.append(out.commit())
    manifest = dataset.seal(receipts)
    return tuple(SignedShard.of(manifest, receipt) for receipt in receipts)


def everything(shards: tuple[SignedShard, ...]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int64), *(places(n, np.arange(shard.rows)) for n, shard in enumerate(shards))])


IDS = ["", "a", "𠮷野家🍣", "港町/0", "a\ud800b", "\udfff", "e\u0301", "長" * 500, "\x00"]


def test_ids_are_read_back_at_any_place(tmp_path):
    shards = sign([[(id_, "いろはにほへと") for id_ in IDS], [], [("z", ""), ("", "ちりぬるを")]], tmp_path)
    expected = [
        "",
        "a",
        "𠮷野家🍣",
        "港町/0",
        r"a\ud800b",
        r"\udfff",
        "e\u0301",
        "長" * 500,
        "\x00",
        "z",
        "",
    ]  # UTF-8 has no surrogates
    documents = everything(shards)
    assert ids_of(shards, documents) == expected
    assert [ids_of(shards, documents[place : place + 1]) for place in range(len(documents))] == [[id_] for id_ in expected]
    assert ids_of(shards, documents[[0, 2, 9]]) == ["", "𠮷野家🍣", "z"]
    assert ids_of(shards, documents[:0]) == []


texts = st.lists(st.tuples(st.text(max_size=4), st.text("いろはにほ", max_size=9)), max_size=12)


@settings(deadline=None, max_examples=60)
@given(st.lists(texts, max_size=4), st.integers(1, 5), st.integers(1, 5), st.data())
def test_rows_of_any_shards_are_what_was_written(tmp_path_factory, shards, batch, block, data):
    """Whatever the batches of the writer and the blocks of the reader."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signed_files, "BLOCK_ROWS", block)
        files = sign(shards, tmp_path_factory.mktemp("signed"), batch)
        rows = [row for shard in shards for row in shard]
        documents = everything(files)
        wanted = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1)))) if rows else []
        some = documents[np.array(wanted, dtype=np.int64)]
        sketches, stands = signatures([text for _, text in rows], SPEC)
        assert ids_of(files, some) == [rows[place][0] for place in wanted]
        assert signed_files.characters_of(files, some).tolist() == [len(rows[place][1]) for place in wanted]
        assert sketches_of(files, some).tolist() == sketches[wanted].astype(np.uint8).tolist()
    keys = np.concatenate([opened(file.keys) for file in files]) if files else np.zeros(0, signed_files.keys_type(3))
    assert keys["digest"].tolist() == [hash_of(text) if text else 0 for _, text in rows]
    assert keys["url"].tolist() == [hash_of(f"https://{id_}") if id_ else 0 for id_, _ in rows]
    assert keys["keys"].tolist() == np.where(stands[:, None], band_keys(sketches, SPEC), 0).tolist()
    assert keys["rank"].tolist() == [row for shard in shards for row in range(len(shard))]


def test_empty_shards_hold_nothing(tmp_path):
    shards = sign([[], []], tmp_path)
    assert [shard.rows for shard in shards] == [0, 0]
    assert [opened(shard.keys).shape for shard in shards] == [(0,), (0,)]
    assert (ids_of(shards, everything(shards)), sketches_of(shards, everything(shards)).shape) == ([], (0, 12))
    assert sketches_of((), np.zeros(0, np.int64)).shape[0] == 0


def test_places_are_shards_and_rows():
    last = (1 << 32) - 1
    documents = places(3, [0, 5, last])
    assert documents.tolist() == [3 << 32, (3 << 32) + 5, (4 << 32) - 1]
    assert [part.tolist() for part in split(documents)] == [[3, 3, 3], [0, 5, last]]


def test_hashes_of_texts_are_never_0_and_take_any_text():
    found = [hash_of(text) for text in ("", "a", "𠮷", "\ud800")]
    assert len(set(found)) == 4
    assert all(0 < value < 1 << 64 for value in found)


@pytest.mark.parametrize("left", [0, 5, 60, -1])
@pytest.mark.parametrize("table", ["keys", "sketches"])
def test_a_table_that_is_cut_or_gone_is_a_sentence(tmp_path, table, left):
    (shard,) = sign([[("a", "いろは"), ("b", "にほへと")]], tmp_path)
    path = getattr(shard, table)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(IntegrityError, match=rf"{path} is damaged \(.*\); delete it and run the same command again\."):
        opened(path)
    path.unlink()
    with pytest.raises(IntegrityError, match=f"{path} is missing; run the same command again to recreate it"):
        opened(path)


def test_ids_that_are_cut_or_gone_are_sentences(tmp_path):
    (shard,) = sign([[("aaa", "いろは"), ("bbb", "にほへと")]], tmp_path)
    shard.ids.write_bytes(b"aaabb")
    assert ids_of([shard], places(0, [0])) == ["aaa"]
    with pytest.raises(IntegrityError, match=r"ids.* is damaged \(it ends too early\); delete it and run the same command again"):
        ids_of([shard], places(0, [1]))
    shard.ids.unlink()
    with pytest.raises(IntegrityError, match=r"ids.* is missing; run the same command again"):
        ids_of([shard], places(0, [0]))


@pytest.mark.parametrize("hashes", [1, 2, 112, 800])
def test_estimates_grow_from_0_to_1(hashes):
    values = estimates(hashes)
    assert (values.shape, values[0], values[-1]) == ((hashes + 1,), 0.0, 1.0)
    assert (np.diff(values) >= 0).all()
    assert (np.diff(values[values > 0]) > 0).all()
    assert (values == 0).sum() == hashes // 256 + 1  # as many bytes are equal by chance


def test_estimates_are_right_on_average(tmp_path):
    """Against the share of equal minima of whole signatures, of which a sketch keeps a byte each."""
    rng, spec = random.Random(0), MinHash()
    rows = []
    for number in range(400):
        text = [chr(rng.randrange(0x4E00, 0x6000)) for _ in range(200)]
        other = text[:]
        for place in rng.sample(range(200), rng.randrange(1, 12)):
            other[place] = "変"
        rows += [(f"{number}a", "".join(text)), (f"{number}b", "".join(other))]
    shards = sign([rows[:300], rows[300:]], tmp_path, batch=64, spec=spec)
    sketches = sketches_of(shards, everything(shards))
    whole, _ = signatures([text for _, text in rows], spec)
    exact = (whole[::2] == whole[1::2]).mean(axis=1)
    estimated = estimates(spec.hashes)[(sketches[::2] == sketches[1::2]).sum(axis=1)]
    assert 0.2 < exact.min() < 0.6 < 0.9 < exact.max()
    error = estimated - exact
    assert abs(error.mean()) <= 3 * error.std() / len(error) ** 0.5
    assert 0 < error.std() < 0.01
