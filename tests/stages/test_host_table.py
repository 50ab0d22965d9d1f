"""The table of hosts says what a plain count over all documents says, whatever the work is cut into, and rules read it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builds import reasons
from support.corpora import contents
from support.hosts import RULES, recipe, write_rows

from corpus_builder import Serial, build
from corpus_builder.built import Built
from corpus_builder.errors import InputError, RecipeError
from corpus_builder.quality.host_columns import QUANTILES, from_order, truncated
from corpus_builder.stages.host_counts import EXAMPLES, added


def plain_hosts(done: Built, kept: Mapping[str, bool], measure: str) -> dict[str, dict[str, Any]]:
    """The table by the words of docs/hosts.md."""
    measures = {row["id"]: row for row in done.measures().to_table().to_pylist()}
    matched = {row["id"]: row["matched"] is not None for row in done.matches().to_table().to_pylist()}
    ids = defaultdict(list)
    for row in done.documents().to_table(columns=["id", "host", "source"]).to_pylist():
        ids[row["host"] or row["source"]].append(row["id"])
    table = {}
    for host, members in ids.items():
        values = sorted(float(measures[one][measure]) for one in members)
        duplicates = sum(matched[one] for one in members)
        table[host] = {
            "documents": len(members),
            "kept": sum(kept[one] for one in members) / len(members),
            "kept_documents": sum(kept[one] for one in members),
            "characters": sum(measures[one]["num_letters"] for one in members),
            "duplicates": duplicates,
            "duplicate_fraction": duplicates / len(members),
            "repeated_lines": 0,
            measure: pytest.approx(sum(values) / len(values), rel=1e-12),
        } | {
            f"{measure}.{name}": from_order(truncated(np.array([values[math.ceil(share * len(values)) - 1]])))[0]
            for name, share in QUANTILES.items()
        }
    return table


def hosts_of(done: Built) -> dict[str, dict[str, Any]]:
    return {row.pop("host"): row for row in done.hosts().to_table().to_pylist()}


def test_the_table_says_what_a_plain_count_says(tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "in")
    done = build(recipe(folder, RULES, hosts={}), tmp_path / "out", Serial())
    kept = {row["id"]: row["keep"] for row in done.decisions().to_table().to_pylist()}
    found = hosts_of(done)
    examples = {host: row.pop("examples") for host, row in found.items()}
    expected = plain_hosts(done, kept, "num_letters")
    assert found == expected
    assert set(found) == {"big.example.co.jp", "blog.example.co.jp", "me.github.io", "you.github.io", "web", "own"}
    assert 0 < sum(row["duplicates"] for row in found.values()) < 20
    assert {len(ids) for ids in examples.values()} == {EXAMPLES}
    of = {row["id"]: row["host"] or row["source"] for row in done.documents().to_table().to_pylist()}
    assert all(of[one] == host for host, ids in examples.items() for one in ids)


def test_a_rule_on_hosts_counts_what_the_rules_before_it_keep(tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "in")
    rules = [
        *RULES,
        {"measure": "host.documents", "max": 20},
        {"measure": "num_letters", "min": 400},
        {"measure": "host.kept", "min": 0.5},
    ]
    done = build(recipe(folder, rules), tmp_path / "out", Serial())
    plain = build(recipe(folder, RULES), tmp_path / "plain", Serial())
    kept = {row["id"]: row["keep"] for row in plain.decisions().to_table().to_pylist()}
    table = plain_hosts(done, kept, "num_letters")
    assert {host: row["kept"] for host, row in hosts_of(done).items()} == {host: row["kept"] for host, row in table.items()}
    before, after = reasons(plain), reasons(done)
    of = {row["id"]: row["host"] or row["source"] for row in done.documents().to_table().to_pylist()}
    letters = {row["id"]: row["num_letters"] for row in done.measures().to_table().to_pylist()}
    for id_, reason in before.items():
        host = table[of[id_]]
        expected = (
            reason
            or ("host.documents_high" if host["documents"] > 20 else "")
            or ("num_letters_low" if letters[id_] < 400 else "")
            or ("host.kept_low" if host["kept"] < 0.5 else "")
        )
        assert after[id_] == expected
    assert {"host.documents_high", "host.kept_low"} <= set(after.values())


def test_hosts_of_a_registered_domain_are_counted_together(tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "in")
    done = build(recipe(folder, RULES, hosts={"by": "domain"}), tmp_path / "out", Serial())
    assert set(hosts_of(done)) == {"example.co.jp", "me.github.io", "you.github.io", "web", "own"}


@pytest.mark.parametrize("name", ["hosts", "values", "examples"])
def test_when_rows_are_added_up_changes_no_bit(name: str) -> None:
    """A task adds up what it holds whenever its memory is full."""
    rng = np.random.default_rng(3)
    kinds = {
        "hosts": {"host": np.bytes_, "documents": np.int64, "sum edu": np.float64},
        "values": {"measure": np.int64, "value": np.uint64, "documents": np.int64},
        "examples": {"order": np.uint64, "number": np.int64},
    }
    parts = []
    for _ in range(12):
        part = {"key": rng.integers(0, 9, 30).astype(np.uint64)}
        part |= {
            column: (rng.random(30) * 5).astype(kind) for column, kind in kinds[name].items() if column not in ("host", "order")
        }
        if name == "hosts":
            part["host"] = np.char.add("h", part["key"].astype(str)).astype(np.bytes_)
        if name == "examples":
            part["order"] = rng.integers(0, 1 << 60, 30).astype(np.uint64)
        parts.append(part)
    at_once = added(name, [added(name, [part]) for part in parts])
    now_and_then = added(name, [added(name, [part]) for part in parts[:2]])
    for first in range(2, 12, 5):
        now_and_then = added(name, [now_and_then, *(added(name, [part]) for part in parts[first : first + 5])])
    assert {column: found.tolist() for column, found in now_and_then.items()} == {
        column: found.tolist() for column, found in at_once.items()
    }


def test_workers_and_their_memory_change_no_byte(tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "in")
    how = recipe(folder, [*RULES, {"measure": "host.hiragana_fraction.p90", "min": 0.3}], hosts={"measures": ["kana_fraction"]})
    large = build(how, tmp_path / "large", Serial())
    small = build(how, tmp_path / "small", Serial(), task_memory_bytes=1 << 20)
    assert contents(small.out) == contents(large.out)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ([*RULES, {"measure": "host.document", "max": 9}], "did you mean 'host.documents'"),
        ([*RULES, {"measure": "host.ng_fraction", "max": 0.1}], "quality.ng_words"),
        ([{"measure": "host.documents", "max": 9}, *RULES], "stands before duplicates = true"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_a_sentence(rules: list[dict[str, Any]], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=sentence):
        recipe(tmp_path, rules)


def test_a_build_without_the_table_says_so(tmp_path: Path) -> None:
    done = build(recipe(write_rows(tmp_path / "in"), RULES), tmp_path / "out", Serial())
    with pytest.raises(InputError, match=r"has no table \[hosts\]"):
        done.hosts()
