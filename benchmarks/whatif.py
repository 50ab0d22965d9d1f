"""How long `whatif` takes: the tables of a build of so many documents are made up, without texts, and a changed recipe is tried on them."""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from corpus_builder.built import HEAD, Built
from corpus_builder.document import DOCUMENT, LEDGER
from corpus_builder.duplicates.match import MATCHES, Match
from corpus_builder.duplicates.summary import MatchStats
from corpus_builder.engine import Serial
from corpus_builder.quality.measures import MEASURES
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.part import as_data
from corpus_builder.recipe.running import Running
from corpus_builder.selection.whatif import whatif
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.stages.decide import Decide
from corpus_builder.stages.extract import Extract
from corpus_builder.stages.measure import Measure, MeasureStats
from corpus_builder.store.dataset import FORMAT, Dataset, Manifest, Shard, ShardWriter
from corpus_builder.store.files import write_json
from corpus_builder.store.run import Runner

SHARD, GROUP = 50_000, 1_000
CHANGES = {
    "one threshold": ["rules[3].min=0.3"],
    "three rules, one of them removed": ["rules[3].min=0.3", "rules[4].max=120", "rules[1]"],
    "the best 15 % of the characters": ["select.score=kanji_fraction", "select.top=0.15", "select.by=characters"],
    "the order of the rules": ["rules[0]", "rules[12]={duplicates=true}"],
}


@dataclass(frozen=True)
class Timed:
    """One change: seconds by the clock, of the processor, and how many documents are kept before and after."""

    change: str
    seconds: float
    cpu_seconds: float
    before: int
    after: int


def run(documents: int, recipe: Path, directory: Path | None = None) -> tuple[list[Timed], int]:
    """The times, and the most memory that the process had, in bytes."""
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        built = make_tables(Path(folder) / "build", without_scores(Recipe.load(recipe)), documents)
        found = []
        for name, changes in CHANGES.items():
            clock, cpu = time.perf_counter(), time.process_time()
            result = whatif(built, changes, built.recipe)
            found.append(
                Timed(
                    name, time.perf_counter() - clock, time.process_time() - cpu, result.before.documents, result.after.documents
                )
            )
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def without_scores(recipe: Recipe) -> Recipe:
    """A recipe without what needs a model: its classifiers, and the selection by one."""
    data = {name: value for name, value in as_data(recipe).items() if name != "select"}
    data["quality"] = {name: value for name, value in data["quality"].items() if name not in ("classifiers", "expressions")}
    return Recipe.of(data, base=recipe.base)


def as_text(found: list[Timed], peak: int, documents: int) -> str:
    """The times as lines."""
    lines = [f"{'change':36}{'seconds':>9}{'CPU s':>9}{'kept before':>14}{'after':>12}"]
    lines += [f"{one.change:36}{one.seconds:>9.2f}{one.cpu_seconds:>9.2f}{one.before:>14,}{one.after:>12,}" for one in found]
    return "\n".join(
        [*lines, f"{documents:,} documents; the process had {peak / 2**20:,.0f} MiB at most, the tables' making included"]
    )


def make_tables(out: Path, recipe: Recipe, documents: int) -> Built:
    """The tables of a build of the recipe up to its decisions, with random values."""
    write_json(out / HEAD, {"format": FORMAT, "recipe": as_data(recipe)})
    running = Running(recipe, out)
    measure, decide = Measure.of(running), Decide.of(running)
    source = recipe.source_names[0]
    shards = [
        Shard(f"made-up-{first // SHARD:05}", {}, (first, min(SHARD, documents - first))) for first in range(0, documents, SHARD)
    ]
    manifests: dict[str, Manifest] = {}
    for kind, write in ((Extract, _documents), (Measure, _measures), (Match, _matches)):
        dataset = Dataset(out / kind.name, kind.name, kind.version, kind.tables, kind.stats)
        receipts = []
        for shard in shards:
            with dataset.writer(shard) as writer:
                write(shard, writer, measure.schema, source)
                receipts.append(writer.commit())
        manifests[kind.name] = dataset.seal(receipts)
    manifests[decide.name] = Runner(out, Serial()).run(decide, manifests)
    return Built(out, recipe, manifests)


def _groups(shard: Shard) -> Iterator[tuple[int, int]]:
    first, count = shard.task
    for start in range(first, first + count, GROUP):
        yield start, min(GROUP, first + count - start)


def _ids(shard: Shard, start: int, count: int) -> list[str]:
    return [f"{shard.name}/{number}" for number in range(start, start + count)]


def _documents(shard: Shard, out: ShardWriter, _: pa.Schema, source: str) -> None:
    for start, count in _groups(shard):
        number = random.Random(start)
        hosts = [f"www{int(number.paretovariate(0.7)) % 200_000}.example" for _ in range(count)]
        values = {name: [""] * count for name in DOCUMENT.names} | {
            "id": _ids(shard, start, count),
            "source": [source] * count,
            "host": hosts,
            "url": [f"https://{host}/page/{place}.html" for place, host in enumerate(hosts, start)],
        }
        out.write_group("documents", pa.table(values, schema=DOCUMENT))
    out.table("ledger", LEDGER)
    out.stats = ExtractStats(source, shard.task[1], 0, {}, {})


def _measures(shard: Shard, out: ShardWriter, schema: pa.Schema, _: str) -> None:
    for start, count in _groups(shard):
        number = np.random.default_rng(start)
        letters = number.lognormal(7, 1, count).astype(np.int32)
        values: dict[str, object] = {"id": _ids(shard, start, count)}
        for column in schema.names[1:]:
            if column == "num_letters":
                values[column] = letters
            elif column in MEASURES and MEASURES[column].dtype == "int32":
                values[column] = (letters * number.random(count)).astype(np.int32)
            elif column.endswith(".detail"):
                values[column] = [""] * count
            elif column == "hiragana_fraction":
                values[column] = number.beta(5, 6, count)
            elif column == "avg_sentence_length":
                values[column] = number.gamma(4, 14, count)
            else:
                values[column] = number.beta(1, 12, count)
        out.write_group("measures", pa.table(values, schema=schema))
    out.stats = MeasureStats({})


def _matches(shard: Shard, out: ShardWriter, _: pa.Schema, __: str) -> None:
    for start, count in _groups(shard):
        number = np.random.default_rng(start + 1)
        lost = number.random(count) < 0.3
        ids = _ids(shard, start, count)
        survivor = pa.array(ids, mask=~lost)
        rule = pa.array(["near"] * count, mask=~lost)
        columns = [
            ids,
            survivor,
            survivor,
            pa.array(number.uniform(0.75, 1, count), mask=~lost),
            rule,
            pa.array([False] * count, mask=~lost),
            np.ones(count, dtype=np.int32),
        ]
        out.write_group("matches", pa.table(columns, schema=MATCHES))
    out.stats = MatchStats({}, ())
