"""Why a page was kept or dropped: its whole story, from the tables that the stages wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corpus_builder.errors import InputError
from corpus_builder.hashing.matching import PHASES
from corpus_builder.hashing.shingles import jaccard
from corpus_builder.messages.terminal import harmless
from corpus_builder.quality.catalogue import COPIES
from corpus_builder.quality.rulebook import CategoryRule, MeasureRule, Rows
from corpus_builder.quality.vocabulary import CATEGORIES, shipped
from corpus_builder.reasons import duplicate_reason, reason_of
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.quality import Rule
from corpus_builder.report.selected import meaning as selected_meaning
from corpus_builder.report.tables import extracted, query
from corpus_builder.report.text_difference import differences
from corpus_builder.stages.release import ReleaseStats
from corpus_builder.store.dataset import Manifest
from corpus_builder.store.sidecars import scored_shard

SHOWN = 100  # characters of a repeated line
WORDS = 8  # counted by a measure


@dataclass(frozen=True)
class Event:
    """One stage's verdict on the page: "kept", "dropped" or "released"."""

    stage: str
    verdict: str
    reason: str = ""
    value: float | None = None
    threshold: float | None = None
    detail: str = ""
    meaning: str = ""  # of the reason


@dataclass(frozen=True)
class Checked:
    """One rule of the recipe and the value that it saw, even if an earlier rule dropped the page."""

    rule: str
    value: float | None
    drops: bool
    category: str = ""  # that it saw, if it judges by one
    words: tuple[str, ...] = ()  # that it counted, if it counts words: of NG words the first, else all, the most frequent first


@dataclass(frozen=True)
class Story:
    """A page's way through the build."""

    id: str
    url: str
    title: str
    characters: int | None
    events: tuple[Event, ...]
    rules: tuple[Checked, ...] = ()
    matched: Story | None = None  # of a duplicate: the document that it matched
    survivor: Story | None = None  # and the one that is kept in its place; mostly the same
    similarity: float | None = None  # exact Jaccard similarity of a duplicate and `matched`
    differences: tuple[str, ...] = ()  # lines that only one of the two has: "- " this one, "+ " `matched`
    repeated: tuple[str, ...] = ()  # lines shared with many documents
    repeated_are: str = ""  # what the recipe does with them: "cut" or "reported"

    @property
    def outcome(self) -> Event:
        """The last event, which decides what happened to the page."""
        return self.events[-1]


def why(manifests: Mapping[str, Manifest], recipe: Recipe, key: str) -> list[Story]:
    """The story of every page with an id or URL; raises InputError if no page of the build has it."""
    ids = _ids(extracted(manifests), key)
    if not ids:
        raise InputError(
            f"No page of this build has the id or URL {key!r}. Ids look like web-00000.warc.gz/10423; URLs must be as crawled, "
            "with scheme and path."
        )
    return [_story(manifests, recipe, id_) for id_ in ids]


def _ids(extract: Manifest, key: str) -> list[str]:
    shard, slash, number = key.rpartition("/")
    if slash and number.isdigit() and shard in extract.by_shard:
        return [key] if _row(extract, "documents", key, "id") or _row(extract, "ledger", key, "id") else []
    found: list[str] = []
    for table in ("documents", "ledger"):
        if paths := extract.paths(table):
            found += [row["id"] for row in query("select id from files where url = ? order by id", [key], files=paths)]
    own = [receipt for receipt in extract.receipts if "own_ids" in receipt.tables]
    for table in ("documents", "own_ids") if own else ():
        paths = [extract.path(receipt, table) for receipt in own]
        found += [row["id"] for row in query("select id from files where own_id = ? order by id", [key], files=paths)]
    return list(dict.fromkeys(found))


def _row(manifest: Manifest, table: str, id_: str, columns: str, shard: str = "") -> dict[str, Any] | None:
    """The row of one id in its shard's table, or that of another shard."""
    path = manifest.get(shard or id_.rpartition("/")[0], table)
    rows = query(f"select {columns} from files where id = ?", [id_], files=[path]) if path else []
    return rows[0] if rows else None


def _story(manifests: Mapping[str, Manifest], recipe: Recipe, id_: str, with_duplicates: bool = True) -> Story:
    lost = _row(manifests["extract"], "ledger", id_, "*")
    if lost is not None:
        return Story(id_, lost["url"], "", None, (_dropped("extract", lost, recipe),))
    document = _row(manifests["extract"], "documents", id_, "url, title, charset, source, length(text) as characters")
    if document is None:
        return _indexed(id_)
    events = [Event("extract", "kept", detail=f"decoded as {document['charset']}")]
    decided = _row(manifests["decide"], "decisions", id_, "*") if "decide" in manifests else None
    matched: Story | None = None
    survivor: Story | None = None
    similarity: float | None = None
    parted: tuple[str, ...] = ()
    if decided is not None and not decided["keep"]:
        events.append(_dropped("decide", decided, recipe))
        if decided["reason"] in map(duplicate_reason, PHASES) and with_duplicates:
            match = _row(manifests["match"], "matches", id_, "matched, survivor, in_index") or {}
            in_index = match["in_index"]  # an id there may be one of this build, too
            matched, survivor = (
                _indexed(name) if in_index else _story(manifests, recipe, name, with_duplicates=False)
                for name in (match["matched"], match["survivor"])
            )
            ours, theirs = _text(manifests["extract"], id_), "" if in_index else _text(manifests["extract"], matched.id)
            if recipe.dedup is not None and theirs:
                similarity = jaccard(ours, theirs, recipe.dedup.minhash.ngram)
                parted = differences(ours, theirs)
    elif decided is not None:
        times = "" if decided["repeat"] == 1 else f", {decided['repeat']:g} times"
        events.append(Event("decide", "kept", detail=f"tier {decided['tier']}{times}" if decided["tier"] else ""))
        if "release" in manifests:
            events.append(_released(manifests["release"], recipe, id_))
    rules = _checked(manifests, recipe, id_, document["source"])
    repeated = _repeated(manifests, id_)
    are = {"remove": "cut", "report": "reported"}[recipe.lines.action] if recipe.lines and repeated else ""
    return Story(
        id_,
        document["url"],
        document["title"],
        document["characters"],
        tuple(events),
        rules,
        matched,
        survivor,
        similarity,
        parted,
        repeated,
        are,
    )


def _dropped(stage: str, row: Mapping[str, Any], recipe: Recipe) -> Event:
    selected = selected_meaning(recipe.select, row) if recipe.select and stage == "decide" else None
    meaning = selected or reason_of(stage, row["reason"], recipe.quality.measure_names).meaning
    return Event(stage, "dropped", row["reason"], row["value"], row["threshold"], row["detail"], meaning)


def _repeated(manifests: Mapping[str, Manifest], id_: str) -> tuple[str, ...]:
    """The lines that a document shares with many others."""
    row = _row(manifests["lines"], "lines", id_, "lines") if "lines" in manifests else None
    if not row or not row["lines"]:
        return ()
    text = _text(manifests["extract"], id_).split("\n")
    return tuple(text[number] for number in row["lines"])


def _indexed(id_: str) -> Story:
    return Story(id_, "in the index, without its text", "", None, (Event("index", "kept"),))


def _text(extract: Manifest, id_: str) -> str:
    row = _row(extract, "documents", id_, "text")
    return str(row["text"]) if row else ""


def _released(release: Manifest, recipe: Recipe, id_: str) -> Event:
    if gone := query("select * from files where id = ?", [id_], files=release.paths("ledger")):
        return _dropped("release", gone[0], recipe)
    shard = id_.rpartition("/")[0]
    stats = release.stats(ReleaseStats)
    parts = [receipt for receipt in release.receipts if any(unit.shard == shard for unit in stats[receipt.shard].units)]
    found = [
        f"{receipt.shard} ({row['times']} times)" if row["times"] > 1 else receipt.shard
        for receipt in parts
        for row in query("select count(*) as times from files where id = ?", [id_], files=[release.path(receipt, "corpus")])
        if row["times"]
    ]
    return Event("release", "released", detail=", ".join(found))


def _checked(manifests: Mapping[str, Manifest], recipe: Recipe, id_: str, source: str) -> tuple[Checked, ...]:
    """Every rule with a measure or a filter, with the value it saw."""
    measured = _row(manifests["measure"], "measures", id_, "*") if "measure" in manifests else None
    if measured is None:
        return ()
    for name in recipe.quality.classifiers if "score" in manifests else ():
        measured |= _row(manifests["score"], "scores", id_, "*", scored_shard(name, id_.rpartition("/")[0])) or {}
    matched = _row(manifests["match"], "matches", id_, COPIES) if "match" in manifests else None
    measured |= matched or {COPIES: 1}
    of_host = _row(manifests["hosts"], "host_columns", id_, "*") if "hosts" in manifests and recipe.host_columns else None
    measured |= of_host or {}
    checked = []
    for rule in recipe.quality.rules:
        if source not in recipe.judged_by(rule):
            continue
        if rule.measure is not None and recipe.quality.reads(rule.measure) <= measured.keys():  # those of hosts are counted later
            words = _words(rule.measure, measured, manifests["extract"], id_)
            checked.append(replace(_looked(rule, recipe, measured), words=words))
        elif rule.filter is not None:
            verdict = measured[f"filter {rule.filter}"]
            checked.append(Checked(rule.label, verdict["value"] if verdict else None, verdict is not None))
    return tuple(checked)


def _words(measure: str, measured: Mapping[str, Any], extract: Manifest, id_: str) -> tuple[str, ...]:
    """The words that a measure of words counts in a document; none for other measures."""
    if measure == "ng_fraction":
        return (measured["ng_fraction.detail"],) if measured["ng_fraction.detail"] else ()
    category = measure.removesuffix("_density")
    if category == measure or category not in CATEGORIES:
        return ()
    found = Counter(word for of, word in shipped().found(_text(extract, id_)) if of == category)
    return tuple(word for word, _ in found.most_common())


def _looked(rule: Rule, recipe: Recipe, measured: Mapping[str, Any]) -> Checked:
    """What a rule on a measure or a category says of a document with these columns."""
    name = str(rule.measure)
    labels = {
        one: [value or ""]
        for one, value in measured.items()
        if one in recipe.quality.reads(name) and isinstance(value, str | None)
    }
    numbers = {
        one: np.array([np.nan if measured[one] is None else measured[one]])
        for one in recipe.quality.reads(name)
        if one not in labels or measured[one] is None
    }
    rows = Rows([""], numbers, labels=labels)
    if rule.of_category:
        drops = not CategoryRule(name, rule.any_of, rule.none_of, ()).judge(rows).keep[0]
        return Checked(rule.label, None, drops, labels[name][0])
    found = MeasureRule(rule.threshold, (), recipe.quality.linked.get(name))
    value = float(found.column.of(rows)[0])
    return Checked(rule.label, None if np.isnan(value) else value, not found.judge(rows).keep[0])


def as_text(story: Story) -> str:
    """A story as lines for a terminal."""
    lines = [harmless(story.id), *([f"  {harmless(story.url)}"] if story.url else [])]
    if story.title:
        lines.append(f"  {harmless(story.title)}")
    if story.characters is not None:
        lines.append(f"  {story.characters:,} characters")
    for event in story.events:
        parts = [f"  {event.stage:8} {event.verdict:9}", harmless(event.reason)]
        if event.value is not None:
            parts.append(f"value {event.value:.6g}")
        if event.threshold is not None:
            parts.append(f"threshold {event.threshold:.6g}")
        parts.append(harmless(event.detail))
        lines.append(" ".join(part for part in parts if part))
        if event.meaning:
            lines.append(f"{'':21}{event.meaning}")
    others = {"matched": story.matched, "survivor": story.survivor}
    if story.matched == story.survivor:
        del others["matched"]
    lines += [f"  {name:8} {harmless(one.id)}  {harmless(one.url)}".rstrip() for name, one in others.items() if one]
    if story.rules:
        lines.append("  every rule, and what it saw:")
    for checked in story.rules:
        value = harmless(checked.category) if checked.value is None else f"{checked.value:.6g}"
        lines.append(f"    {'DROPS' if checked.drops else 'keeps'}  {harmless(checked.rule):48} {value}".rstrip())
        if checked.words:
            more = f" and {len(checked.words) - WORDS} more" if len(checked.words) > WORDS else ""
            lines.append(f"{'':11}{harmless(', '.join(checked.words[:WORDS]))}{more}")
    if story.repeated:
        lines.append(f"  lines that many pages of its host, or many hosts, share; they are {story.repeated_are}:")
        lines += [f"    {harmless(line[:SHOWN])}{'…' if len(line) > SHOWN else ''}" for line in story.repeated]
    if story.similarity is not None:
        lines.append(
            f"  Jaccard similarity {story.similarity:.3f}; "
            + ("it has -, the other +:" if story.differences else "the same text")
        )
        lines += [f"    {harmless(line)}" for line in story.differences]
    return "\n".join(lines)
