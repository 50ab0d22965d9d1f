"""The shipped samples: what they hold, where it comes from, and the corpus that the sample recipe makes of them."""

import bz2
import csv
import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.paths import ROOT
from warcio.archiveiterator import ArchiveIterator

from corpus_builder import Recipe, Serial, build
from corpus_builder.built import Built
from corpus_builder.japanese.detect import japanese_score
from corpus_builder.report.funnel import funnels
from corpus_builder.report.why import why
from corpus_builder.store.dataset import read_table

SAMPLES = ROOT / "data" / "samples"
WARC = SAMPLES / "web-sample.warc.gz"

sys.path.insert(0, str(SAMPLES))
from web_bodies import PACKAGES  # noqa: E402  the scripts stand beside the data that they write

LICENCES = {"original": "CC0-1.0"} | {name: package.licence for name, package in PACKAGES.items()}


@pytest.fixture(scope="module")
def plan() -> list[dict[str, str]]:
    with (SAMPLES / "web-sample.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """What `make corpus` builds."""
    return build(Recipe.load(ROOT / "pipelines" / "sample.toml"), tmp_path_factory.mktemp("sample") / "out", Serial())


def rows(built: Built, stage: str, table: str) -> list[dict[str, object]]:
    manifest = built.manifests[stage]
    return [row for receipt in manifest.receipts for row in read_table(manifest.path(receipt, table)).to_pylist()]


def test_every_page_has_the_licence_of_its_origin(plan: list[dict[str, str]]) -> None:
    assert {(line["origin"], line["licence"]) for line in plan} == set(LICENCES.items())
    notice = (SAMPLES / "NOTICE").read_text(encoding="utf-8")
    described = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for name in PACKAGES:
        assert name in notice
        assert name in described


def test_no_file_of_the_samples_is_without_use(plan: list[dict[str, str]]) -> None:
    planned = {SAMPLES / line["file"] for line in plan if line["origin"] == "original"}
    framed = {
        SAMPLES / "sites" / f"{option.removeprefix('site=')}.html"
        for line in plan
        for option in line["options"].split()
        if option.startswith("site=")
    }
    shipped = {*(SAMPLES / "pages").iterdir(), *(SAMPLES / "sites").iterdir()}
    assert shipped - planned - framed == set()


def test_the_archive_holds_one_record_for_each_line_of_the_plan_in_common_crawls_form(plan: list[dict[str, str]]) -> None:
    kinds: Counter[str] = Counter()
    urls: list[str] = []
    bodies = identified = 0
    with WARC.open("rb") as file:
        archive = ArchiveIterator(file, check_digests=True)
        for record in archive:
            kinds[record.rec_type] += 1
            if record.rec_type in ("response", "revisit"):
                urls.append(record.rec_headers["WARC-Target-URI"])
            body = record.content_stream().read()
            if record.rec_type == "response" and body:
                identified += bool(record.rec_headers["WARC-Identified-Payload-Type"])
                bodies += 1
            if record.rec_type == "response":  # warcio counts a request's digest over its header, where the checker sees none
                assert record.digest_checker.problems == []
    assert kinds == {"warcinfo": 1, "request": 434, "response": 432, "revisit": 2, "metadata": 434}
    assert identified == bodies > 400
    assert sorted(urls) == sorted(line["url"] for line in plan)


def test_the_pages_come_in_many_encodings_and_languages(plan: list[dict[str, str]]) -> None:
    japanese = {line["charset"] for line in plan if line["lang"] == "ja"}
    assert {"utf_8", "cp932", "euc_jp", "iso2022_jp", "utf_16"} <= japanese
    assert {"en", "de", "fr", "ko", "zh", "zh-Hant", "vi", "es"} <= {line["lang"] for line in plan}
    statuses = {line["status"] for line in plan}
    assert {"200", "301", "302", "304", "404", "410", "500"} <= statuses


def test_the_wikipedia_sample_is_what_its_script_writes(tmp_path: Path) -> None:
    again = tmp_path / "jawiki.xml.bz2"
    script = SAMPLES / "build_wikipedia_sample.py"
    subprocess.run([sys.executable, script, "--out", again], check=True, capture_output=True)
    assert bz2.decompress(again.read_bytes()) == bz2.decompress((SAMPLES / "jawiki-sample.xml.bz2").read_bytes())


def test_the_corpus_of_the_sample_recipe(sample: Built) -> None:
    """A golden build: a change of these numbers is a change of what users get, and belongs in the changelog."""
    web, wikipedia, _ = (
        [(step.label, step.pages) for step in funnel.steps] for funnel in funnels(sample.manifests, ["web", "wikipedia"])
    )
    assert web == [
        ("pages read", 434),
        ("gate_not_japanese", 93),
        ("http_status", 9),
        ("not_html", 8),
        ("no_japanese_text", 3),
        ("not_japanese", 3),
        ("undecodable", 3),
        ("empty_body", 2),
        ("extraction_empty", 2),
        ("revisit", 2),
        ("http_encoding_broken", 1),
        ("too_many_elements", 1),
        ("Japanese documents", 307),
        ("duplicate_near", 19),
        ("avg_sentence_length_high", 18),
        ("duplicate_exact", 15),
        ("num_japanese_letters_low", 15),
        ("select_below_cut", 11),
        ("duplicate_paragraph_fraction_high", 4),
        ("avg_sentence_length_low", 1),
        ("ellipsis_fraction_high", 1),
        ("host_blocked", 1),
        ("ng_fraction_high", 1),
        ("kept", 221),
        ("repeated lines cut", 30),
        ("released", 221),
    ]
    assert wikipedia == [
        ("pages read", 14),
        ("not_article", 3),
        ("redirect", 3),
        ("disambiguation", 2),
        ("Japanese documents", 6),
        ("kept", 6),
        ("released", 6),
    ]
    digest = hashlib.sha256()
    for row in sorted(rows(sample, "release", "corpus"), key=lambda row: (row["id"], row["copy"])):
        digest.update(f"{row['id']}\0{row['text']}\0".encode())
    assert digest.hexdigest()[:16] == "3e8bdb8a55e44080"


def test_the_corpus_is_japanese_and_nothing_else(sample: Built, plan: list[dict[str, str]]) -> None:
    language = {line["url"]: line["lang"] for line in plan}
    released = rows(sample, "release", "corpus")
    assert {row["source"] for row in released} == {"web", "wikipedia"}
    assert {language[str(row["url"])] for row in released if row["source"] == "web"} == {"ja"}
    assert min(japanese_score(str(row["text"])) for row in released) > sample.recipe.extract.min_japanese_score


def test_every_visit_is_accounted_for_and_explained(sample: Built, plan: list[dict[str, str]]) -> None:
    ledger, documents = rows(sample, "extract", "ledger"), rows(sample, "extract", "documents")
    assert {line["url"] for line in plan} <= {row["url"] for row in [*ledger, *documents]}
    one_of_each = {str(row["reason"]): str(row["id"]) for row in [*ledger, *rows(sample, "decide", "decisions")] if row["reason"]}
    for reason, page_id in one_of_each.items():
        (story,) = why(sample.manifests, sample.recipe, page_id)
        assert (story.outcome.verdict, story.outcome.reason) == ("dropped", reason)
    released = str(rows(sample, "release", "corpus")[0]["id"])
    (story,) = why(sample.manifests, sample.recipe, released)
    assert story.outcome.verdict == "released"


def test_the_sample_build_verifies(sample: Built) -> None:
    assert sample.verify().problems == ()


def test_sentences_of_bilingual_pages_are_told_from_endless_ones(sample: Built) -> None:
    """Swallow v1 knows no full stop of English, so it takes the sentences of a translated handbook for one."""
    query = "select host, sentence_mean_ems, japanese_among_letters_fraction from documents join measures using (id)"
    long = sample.sql(f"{query} where avg_sentence_length > 90 and source = 'web'").fetchall()
    bilingual = [(ems, share) for host, ems, share in long if "handbook" in host or "techo" in host]
    assert len(bilingual) == 21
    assert all(20 < ems < 65 and 0.2 < share < 0.5 for ems, share in bilingual)
    assert [round(ems) for host, ems, _ in long if host == "hitorigoto.example"] == [108]
    assert len(long) == 22
