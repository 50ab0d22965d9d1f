"""Whatever is added, removed, compacted and run again: an index on disk is what a plain model of it says."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from support.corpora import prose
from support.rows import jsonl, kept_ids

from corpus_builder import Serial, deduplicate
from corpus_builder.duplicates.index import Index, add, check, compact, remove
from corpus_builder.duplicates.signed_files import id_bytes

CRAWLS = ("a", "b", "c")
POOL = range(9)
"""Documents: three clusters of copies, each with three dates; two share a URL."""


def cluster(document: int) -> int:
    return document % 3


def date(document: int) -> int:
    return 1 + document // 3


def url(document: int) -> str:
    return f"u{document // 2}"


def row(document: int) -> dict[str, object]:
    text = prose(cluster(document))
    text = text[: 20 * date(document)] + "変" + text[20 * date(document) + 1 :]
    return {"id": str(document), "text": text, "date": f"2024-01-0{date(document)}", "url": url(document)}


@dataclass
class Part:
    """What the model knows of a part: its documents in order, whom a later part superseded, and what is gone for good."""

    name: str
    documents: list[int]
    superseded: dict[int, str] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)

    def live(self, without: tuple[str, ...] = ()) -> list[int]:
        gone = {one for one, by in self.superseded.items() if by not in without}
        return [one for one in self.documents if one not in gone | self.dead]


class Histories(RuleBasedStateMachine):
    """An index, and a list of parts."""

    @initialize()
    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.parts: list[Part] = []
        self.removed: set[int] = set()
        self.given: dict[str, list[int]] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @rule(
        name=st.sampled_from(CRAWLS),
        documents=st.lists(st.sampled_from(POOL), max_size=4, unique=True),
        indexed=st.sampled_from(["stay", "compete"]),
    )
    def crawl(self, name: str, documents: list[int], indexed: str) -> None:
        """A crawl is compared with the index, and its survivors are added; a name that is known is crawled again."""
        self.given[name] = documents
        index = self.root / "index" if self.parts else None
        file = jsonl(self.root / f"{name}.jsonl", [row(one) for one in documents])
        stance = {"indexed": indexed} if index else {}
        done = deduplicate([file], self.root / name, Serial(), index=index, **stance)
        kept, lost = self._search(name, indexed)
        assert kept_ids(done) == [str(one) for one in kept]
        add(self.root / "index", self.root / name)
        self._add(name, kept, lost)

    @precondition(lambda self: self.given)
    @rule(data=st.data(), indexed=st.sampled_from(["stay", "compete"]))
    def again(self, data: st.DataObject, indexed: str) -> None:
        """The same rows once more."""
        name = data.draw(st.sampled_from(sorted(self.given)))
        self.crawl(name, self.given[name], indexed)

    @precondition(lambda self: self.parts)
    @rule(documents=st.lists(st.sampled_from(POOL), min_size=1, max_size=2))
    def remove_by_id(self, documents: list[int]) -> None:
        """By id; an id that the index does not have stays out, too."""
        known = [one for part in self.parts for one in part.live()]
        done = remove(self.root / "index", ids=[str(one) for one in documents])
        assert done.documents == sum(one in documents for one in known)
        self._remove(set(documents))

    @precondition(lambda self: any(part.live() for part in self.parts))
    @rule(document=st.sampled_from(POOL))
    def remove_by_url(self, document: int) -> None:
        """By URL, which two documents share."""
        remove(self.root / "index", urls=[url(document)])
        self._remove({one for one in POOL if url(one) == url(document)})

    @precondition(lambda self: self.parts)
    @rule()
    def compact(self) -> None:
        """What is gone is gone for good."""
        compact(self.root / "index")
        for part in self.parts:
            part.dead |= set(part.superseded)
            part.superseded = {}

    @invariant()
    def stands(self) -> None:
        """The index holds what the model holds, and is whole."""
        if not getattr(self, "parts", None):
            return
        index = Index.open(self.root / "index")
        found = {part.name: [] for part in index.parts}
        for part in index.parts:
            for signed in index.shards_of(part):
                rows = np.flatnonzero(signed.live_rows(0, signed.rows))
                found[part.name] += [int(id_) for id_ in id_bytes(signed, rows)]
        assert list(found.items()) == [(part.name, part.live()) for part in self.parts]
        assert check(self.root / "index") == []
        assert index.summary().ids_kept_out <= len(POOL)

    # The model

    def _search(self, name: str, indexed: str) -> tuple[list[int], list[tuple[Part, int]]]:
        """What is kept of a crawl, and who of the index loses."""
        place = next((place for place, part in enumerate(self.parts) if part.name == name), len(self.parts))
        later = tuple(part.name for part in self.parts[place:])
        before = [(part, one) for part in self.parts[:place] for one in part.live(later)]
        kept, lost = [], []
        for number in range(3):
            old = [(part, one) for part, one in before if cluster(one) == number]
            new = [(None, one) for one in self.given[name] if cluster(one) == number]
            if indexed == "stay":
                ranked = old + sorted(new, key=lambda pair: -date(pair[1]))
            else:
                ranked = sorted(old + new, key=lambda pair: -date(pair[1]))
                lost += [pair for pair in ranked[1:] if pair[0] is not None]
            if ranked and ranked[0][0] is None:
                kept.append(ranked[0][1])
        return [one for one in self.given[name] if one in kept], lost

    def _add(self, name: str, kept: list[int], lost: list[tuple[Part, int]]) -> None:
        for part in self.parts:
            part.superseded = {one: by for one, by in part.superseded.items() if by != name}
        for part, one in lost:
            part.superseded[one] = name
        own = next((part for part in self.parts if part.name == name), None)
        if own is None:
            self.parts.append(own := Part(name, []))
        own.documents = kept
        own.superseded = {one: by for one, by in own.superseded.items() if one in kept}
        own.dead |= self.removed & set(kept)

    def _remove(self, documents: set[int]) -> None:
        self.removed |= documents
        for part in self.parts:
            part.dead |= {one for one in part.live() if one in documents}


@pytest.mark.parametrize(("examples", "steps"), [(4, 6), pytest.param(40, 20, marks=pytest.mark.slow)])
def test_any_history_of_an_index_is_that_of_a_plain_model(examples: int, steps: int) -> None:
    how = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Histories, settings=how)


def rows(*documents: int) -> list[dict[str, object]]:
    return [row(one) for one in documents]


def live(index: Path) -> dict[str, int]:
    return {part.name: part.documents for part in Index.open(index).summary().parts}


@pytest.mark.parametrize("by", [{"ids": ["0"]}, {"urls": ["u0"]}])
@pytest.mark.parametrize("between", [(), ("compact",), ("compact", "change")])
def test_a_takedown_stays_taken_down(tmp_path: Path, by: dict[str, list[str]], between: tuple[str, ...]) -> None:
    """Whether the index is compacted, and whether the build has other rows meanwhile."""
    file = jsonl(tmp_path / "crawl.jsonl", rows(0, 2))
    deduplicate([file], tmp_path / "crawl", Serial())
    add(tmp_path / "index", tmp_path / "crawl")
    remove(tmp_path / "index", **by)
    assert live(tmp_path / "index") == {"crawl": 1}
    if "compact" in between:
        compact(tmp_path / "index")
    if "change" in between:
        jsonl(file, rows(4, 2, 0))
    deduplicate([file], tmp_path / "crawl", Serial(), index=tmp_path / "index")
    add(tmp_path / "index", tmp_path / "crawl")
    assert live(tmp_path / "index") == {"crawl": 2 if "change" in between else 1}
    assert check(tmp_path / "index") == []
    deduplicate([jsonl(tmp_path / "later.jsonl", rows(0))], tmp_path / "later", Serial(), index=tmp_path / "index")
    assert live((add(tmp_path / "index", tmp_path / "later")).root) == live(tmp_path / "index")
    assert live(tmp_path / "index")["later"] == 0


def test_what_an_index_keeps_out_is_shown(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from corpus_builder.commands.main import main

    deduplicate([jsonl(tmp_path / "crawl.jsonl", rows(0, 2))], tmp_path / "crawl", Serial())
    add(tmp_path / "index", tmp_path / "crawl")
    shown = CliRunner().invoke(main, ["index", "show", str(tmp_path / "index")]).stdout
    assert "kept out" not in shown
    told = CliRunner().invoke(main, ["index", "remove", str(tmp_path / "index"), "--id", "0", "--id", "7", "--url", "u1"])
    assert told.stdout == "2 documents removed.\n"
    assert told.stderr == "not in the index, and kept out of it from now on: 7\n"
    shown = CliRunner().invoke(main, ["index", "show", str(tmp_path / "index")]).stdout
    assert "kept out for good: 2 ids, 1 URLs" in shown
