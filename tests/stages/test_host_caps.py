"""A host keeps the best of its documents up to its cap, exactly, whatever the work is cut into."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builds import decisions
from support.corpora import contents
from support.hosts import RULES, recipe, write_rows

from corpus_builder import Serial, build
from corpus_builder.built import Built
from corpus_builder.errors import RecipeError
from corpus_builder.release.mixture import keyed_number
from corpus_builder.stages import host_caps, hosts
from corpus_builder.stages.host_caps import best

DOCUMENTS, SHARE = "host_documents_cap", "host_share_cap"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("caps") / "in")


@pytest.fixture(scope="module")
def plain(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(recipe(folder, RULES), tmp_path_factory.mktemp("plain") / "out", Serial())


def expected(plain: Built, caps: dict[str, Any], seed: int = 0) -> dict[str, tuple[str, float | None, float | None, str]]:
    """Reason, value, threshold and detail of each document, by the words of docs/hosts.md."""
    found = {str(row["id"]): (row["reason"], row["value"], row["threshold"], row["detail"]) for row in decisions(plain)}
    kept = [id_ for id_, (reason, *_) in found.items() if not reason]
    of = {row["id"]: row for row in plain.documents().to_table().to_pylist()}
    values = {row["id"]: float(row[caps["score"]]) if "score" in caps else 0.0 for row in plain.measures().to_table().to_pylist()}
    limits = [(caps["max_documents"], DOCUMENTS)] if "max_documents" in caps else []
    if "max_share" in caps:
        limits.append((max(1, int(Fraction(str(caps["max_share"])) * len(kept))), SHARE))
    limit, reason = min(limits, key=lambda pair: pair[0])
    capped = [id_ for id_ in kept if of[id_]["host"] and of[id_]["source"] in caps.get("sources", ["web", "own"])]
    for host in {of[id_]["host"] for id_ in capped}:
        ordered = sorted(
            (id_ for id_ in capped if of[id_]["host"] == host), key=lambda id_: (-values[id_], keyed_number(seed, "select", id_))
        )
        for id_ in ordered[limit:]:
            found[id_] = (reason, float(len(ordered)), float(limit), host)
    return found


def told(done: Built) -> dict[str, tuple[str, float | None, float | None, str]]:
    return {str(row["id"]): (row["reason"], row["value"], row["threshold"], row["detail"]) for row in decisions(done)}


CAPS: list[dict[str, Any]] = [
    {"max_documents": 3},
    {"max_documents": 5, "score": "num_letters"},
    {"max_share": 0.1, "score": "hiragana_fraction"},
    {"max_documents": 2, "max_share": 0.5},
    {"max_documents": 1, "sources": ["web"], "score": "kana_fraction"},
]


@pytest.mark.parametrize("caps", CAPS, ids=str)
def test_the_best_of_a_host_stay(caps: dict[str, Any], folder: Path, plain: Built, tmp_path: Path) -> None:
    done = build(recipe(folder, RULES, hosts=caps), tmp_path / "out", Serial())
    assert told(done) == expected(plain, caps)
    assert Counter(reason for reason, *_ in told(done).values())[SHARE if caps.get("max_share") == 0.1 else DOCUMENTS] >= 3


def test_the_memory_of_a_task_changes_no_byte(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    how = recipe(folder, [*RULES, {"measure": "host.kept", "min": 0.1}], hosts={"max_documents": 4, "score": "num_letters"})
    large = build(how, tmp_path / "large", Serial())
    for module in (hosts, host_caps):
        monkeypatch.setattr(module, "BYTES_PER_ROW", 1 << 26)  # many buckets, and few rows in memory
    small = build(how, tmp_path / "small", Serial())
    assert contents(small.out) == contents(large.out)


def test_the_seed_draws_among_equals(folder: Path, plain: Built, tmp_path: Path) -> None:
    done = build(recipe(folder, RULES, hosts={"max_documents": 3}, seed=7), tmp_path / "out", Serial())
    assert told(done) == expected(plain, {"max_documents": 3}, seed=7)
    assert told(done) != expected(plain, {"max_documents": 3})


def test_the_score_of_a_selection_decides_who_stays_and_comes_after_the_caps(folder: Path, plain: Built, tmp_path: Path) -> None:
    how = recipe(folder, RULES, hosts={"max_documents": 3}, select={"score": "num_letters", "top": 0.5})
    done = build(how, tmp_path / "out", Serial())
    wanted = expected(plain, {"max_documents": 3, "score": "num_letters"})
    found = told(done)
    assert {id_: said for id_, said in found.items() if wanted[id_][0]} == {id_: said for id_, said in wanted.items() if said[0]}
    left = [id_ for id_, said in wanted.items() if not said[0]]
    chosen = [id_ for id_ in left if not found[id_][0]]
    assert len(chosen) == (len(left) + 1) // 2


def test_a_dropped_page_says_why(folder: Path, tmp_path: Path) -> None:
    done = build(recipe(folder, RULES, hosts={"max_documents": 3}), tmp_path / "out", Serial())
    row = next(row for row in decisions(done) if row["reason"] == DOCUMENTS)
    outcome = done.why(str(row["id"]))[0].outcome
    assert (outcome.reason, outcome.threshold, outcome.detail) == (DOCUMENTS, 3.0, row["detail"])
    assert "hosts.max_documents" in outcome.meaning


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), max_size=30)


@given(st.lists(ROWS, min_size=1, max_size=4), st.integers(1, 4))
def test_the_best_of_the_best_are_the_best(parts: list[list[tuple[int, int, int]]], most: int) -> None:
    columns = [
        {name: np.array([row[place] for row in part], dtype=np.uint64) for place, name in enumerate(("key", "rank", "tie"))}
        for part in parts
    ]
    at_once = best(columns, most)
    held = columns[0]
    for part in columns[1:]:
        held = best([held, part], most)
    held = best([held], most)
    assert {name: found.tolist() for name, found in held.items()} == {name: found.tolist() for name, found in at_once.items()}
    assert max(Counter(at_once["key"].tolist()).values(), default=0) <= most


@pytest.mark.parametrize(
    ("caps", "sentence"),
    [
        ({"max_documents": 0}, "hosts.max_documents"),
        ({"score": "num_letters"}, "go with max_documents or max_share"),
        ({"max_documents": 9, "score": "num_leters"}, "did you mean 'num_letters'"),
        ({"max_documents": 9, "sources": ["wbe"]}, "did you mean 'web'"),
    ],
)
def test_caps_that_cannot_be_are_refused_with_a_sentence(caps: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=sentence):
        recipe(tmp_path, RULES, hosts=caps)
