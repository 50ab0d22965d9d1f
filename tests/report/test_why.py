"""`why` tells a page's whole story, whatever became of it."""

import shutil

import pytest

from corpus_builder.built import Built
from corpus_builder.errors import InputError, IntegrityError
from corpus_builder.reasons import REASONS
from corpus_builder.report.why import Story, as_text, why
from corpus_builder.store.dataset import read_table


def story(built: Built, url: str) -> Story:
    (found,) = why(built.manifests, built.recipe, url)
    return found


def test_a_released_page(built: Built) -> None:
    found = story(built, "https://www.example/1")
    assert [(event.stage, event.verdict) for event in found.events] == [
        ("extract", "kept"),
        ("decide", "kept"),
        ("release", "released"),
    ]
    assert found.outcome.detail.startswith("part-")
    assert [(checked.rule, checked.drops) for checked in found.rules] == [
        ("num_japanese_letters >= 200", False),
        ("hiragana_fraction >= 0.2", False),
    ]
    assert found.title == "1番目の話"


def test_a_duplicate_names_the_document_that_it_lost_to(built: Built) -> None:
    found = story(built, "https://www.example/3")
    assert found.outcome.reason == "duplicate_exact"
    assert found.matched == found.survivor
    assert found.survivor.url == "https://mirror.example/3"
    assert found.survivor.outcome.verdict == "released"
    assert found.outcome.detail == found.survivor.id
    assert f"  survivor {found.survivor.id}  https://mirror.example/3\n" in as_text(found)
    assert "  matched " not in as_text(found)
    assert (found.similarity, found.differences) == (1.0, ())
    assert "Jaccard similarity 1.000; the same text" in as_text(found)


def test_a_near_duplicate_shows_where_it_differs(tmp_path) -> None:
    from support.corpora import Response, html, make_recipe, prose, write_warc

    from corpus_builder import Serial, build

    theirs = prose(3).replace("（3の0）", "（三の零）")
    write_warc(tmp_path / "web-a.warc.gz", [Response("https://a.example/", html(prose(3)).encode(), date="2024-01-01T00:00:00Z")])
    write_warc(tmp_path / "web-b.warc.gz", [Response("https://b.example/", html(theirs).encode(), date="2024-02-01T00:00:00Z")])
    web = [{"name": "web", "kind": "warc", "paths": ["web-*.warc.gz"]}]
    found = story(build(make_recipe(tmp_path, sources=web, release={}), tmp_path / "out", Serial()), "https://a.example/")
    assert found.similarity is not None
    assert 0.9 < found.similarity < 1.0
    ours, other = found.differences
    assert (ours[:2], other[:2]) == ("- ", "+ ")
    assert "（3の0）" in ours
    assert "（三の零）" in other
    assert f"    {ours}\n    {other}" in as_text(found)


def test_a_threshold_comes_with_its_value(built: Built) -> None:
    found = story(built, "https://www.example/short")
    assert (found.outcome.reason, found.outcome.threshold) == ("num_japanese_letters_low", 200)
    assert found.outcome.value == next(rule.value for rule in found.rules if rule.drops)
    assert f"value {found.outcome.value:g} threshold 200" in as_text(found)
    assert found.outcome.meaning == "the measure num_japanese_letters is below the rule's limit"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://www.example/en", "gate_not_japanese"),
        ("https://www.example/gone", "http_status"),
        ("https://www.example/logo", "not_html"),
    ],
)
def test_a_page_that_never_became_a_document(built: Built, url: str, reason: str) -> None:
    found = story(built, url)
    assert (found.outcome.stage, found.outcome.reason) == ("extract", reason)
    assert f"\n{'':21}{REASONS[reason].meaning}" in as_text(found)


def test_ids_and_urls_tell_the_same_of_every_page(built: Built) -> None:
    seen = 0
    for receipt in built.manifests["extract"].receipts:
        for table in ("documents", "ledger"):
            for row in read_table(built.manifests["extract"].path(receipt, table)).to_pylist():
                by_id = why(built.manifests, built.recipe, row["id"])
                assert by_id[0].id == row["id"]
                assert by_id[0] in why(built.manifests, built.recipe, row["url"])
                seen += 1
    assert seen == 17


@pytest.mark.parametrize("key", ["https://nowhere.example/", "web-a.warc.gz/999999", "", "'; drop table files; --"])
def test_a_page_that_is_not_there_is_a_sentence(built: Built, key: str) -> None:
    with pytest.raises(InputError, match="No page of this build has the id or URL"):
        why(built.manifests, built.recipe, key)


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_damaged_head_is_a_sentence(tmp_path, content: str) -> None:
    (tmp_path / "build.json").write_text(content)
    with pytest.raises(IntegrityError, match=r"build\.json is damaged .* writes it again"):
        Built.open(tmp_path)


def test_a_damaged_manifest_and_a_lost_file_are_sentences(built: Built, tmp_path) -> None:
    out = tmp_path / "out"
    shutil.copytree(built.out, out)
    next((out / "extract" / "documents").iterdir()).unlink()
    with pytest.raises(IntegrityError, match=r"cannot be read .* `corpus-builder verify` says which"):
        Built.open(out).why("https://www.example/1")
    (out / "measure" / "manifest.json").write_text('{"format": "corpus_builder/1"}')
    with pytest.raises(IntegrityError, match=r"manifest\.json is damaged"):
        Built.open(out)


def test_a_build_that_has_hardly_begun_has_no_report(built: Built) -> None:
    with pytest.raises(InputError, match="has not come through its first stage"):
        Built(built.out, built.recipe, {}).report()
