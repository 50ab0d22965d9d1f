"""Later crawls are compared with the live documents of an index, and with nothing else."""

from __future__ import annotations

import errno
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.builds import corpus, reasons
from support.corpora import contents, make_inputs, make_recipe, page, prose, write_warc
from support.rows import jsonl, kept_ids, many

from corpus_builder import InputError, RecipeError, Serial, StageError, build, deduplicate
from corpus_builder.commands.main import main
from corpus_builder.duplicates.index import Index, add, check, compact, remove
from corpus_builder.duplicates.row_stages import MatchRows
from corpus_builder.errors import IntegrityError
from corpus_builder.store import files
from corpus_builder.store.dataset import read_manifest, read_table

COPY = f"{prose(1)[:-40]}変{prose(1)[-39:]}"


def crawl(root: Path, name: str, rows: list[dict[str, object]], index: Path | None = None, rows_: int = 8, **settings):
    """Deduplicate rows of a file, against an index if there is one."""
    return deduplicate([jsonl(root / f"{name}.jsonl", rows)], root / name, Serial(), index=index, rows=rows_, **settings)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def test_a_later_crawl_loses_to_what_the_index_holds_without_the_old_text(root):
    first = [{"id": "a", "text": prose(1), "date": "2024-01-01"}, {"id": "b", "text": prose(2)}]
    crawl(root, "2024", first)
    add(root / "index", root / "2024")
    shutil.rmtree(root / "2024")
    (root / "2024.jsonl").unlink()
    later = [{"id": "c", "text": COPY, "date": "2025-01-01"}, {"id": "d", "text": prose(3)}, {"id": "e", "text": prose(2)}]
    done = crawl(root, "2025", later, root / "index")
    found = done.dropped_rows().to_pylist()
    assert {row["loser"]: (row["survivor"], row["rule"]) for row in found} == {"c": ("a", "near"), "e": ("b", "exact")}
    assert {(row["matched_file"], row["matched_row"], row["in_index"]) for row in found} == {("2024", None, True)}
    assert done.why("c")[0].matched.url == "in the index"
    assert kept_ids(done) == ["d"]


def test_crawl_after_crawl_is_as_one_search_in_which_the_earlier_comes_first(root):
    rows = many(150, seed=3)
    for number, row in enumerate(rows):
        row["crawl"] = f"c{number // 50}"
    together = deduplicate([jsonl(root / "all.jsonl", rows)], root / "all", Serial(), keep="first:c0,c1,c2", source="crawl")
    kept = []
    for number in range(3):
        index = root / "index" if number else None
        some = rows[number * 50 : number * 50 + 50]
        done = crawl(root, f"c{number}", some, index, keep="first:c0,c1,c2", source="crawl", task_memory_bytes=40_000)
        add(root / "index", done.out)
        kept += kept_ids(done)
    assert set(kept) >= set(kept_ids(together))  # what lost stands before later ones in one search, not in the index
    again = deduplicate([jsonl(root / "kept.jsonl", [r for r in rows if r["id"] in kept])], root / "again", Serial())
    assert again.kept == again.rows == len(kept)


def test_what_lost_costs_nobody_a_place(root):
    """B lost to A; once A is taken down, a copy that is like B and A alone is kept."""
    crawl(root, "1", [{"id": "a", "text": prose(1), "date": "2024"}, {"id": "b", "text": COPY}])
    add(root / "index", root / "1")
    later = [{"id": "c", "text": COPY}]
    assert crawl(root, "2", later, root / "index").kept == 0
    assert remove(root / "index", ids=["a", "x"]).unknown == ("x",)
    assert crawl(root, "2", later, root / "index").kept == 1


@pytest.mark.parametrize("settings", [{}, {"url_column": "link"}, {"url": True}])
def test_documents_are_removed_by_url_whether_it_is_a_rule_or_not(root, settings):
    column = settings.get("url_column", "url")
    rows = [{"id": str(n), "text": prose(n), column: f"https://h.example/{n // 2}"} for n in range(6)]
    crawl(root, "1", [rows[0], rows[2], rows[4]], **settings)
    add(root / "index", root / "1")
    done = remove(root / "index", urls=["https://h.example/1", "https://h.example/9"])
    assert (done.documents, done.unknown) == (1, ("https://h.example/9",))
    assert remove(root / "index", urls=["https://h.example/1"]).documents == 0  # it is gone already
    found = crawl(root, "2", rows, root / "index", url=True, url_column=column)
    assert {row["loser"]: row["rule"] for row in found.dropped_rows().to_pylist()} == {
        **dict.fromkeys("0145", "url"),
        "3": "url",
    }


def test_a_compacted_index_gives_the_same_verdicts_in_less_space(root):
    rows = many(120, seed=5)
    crawl(root, "1", rows[:60])
    add(root / "index", root / "1")
    gone = [row["id"] for row in rows[:60:3]]
    remove(root / "index", ids=gone)
    crawl(root, "2", rows[60:], root / "index")
    before = contents(root / "2" / "dedup")
    (small,) = compact(root / "index").summary().parts
    assert small.removed == 0
    assert len(list((root / "index" / "parts").iterdir())) == 1
    index = Index.open(root / "index")
    assert sorted(path.name for path in (root / "index" / "removed").iterdir()) == sorted(index.removed_files)
    assert [part.removed for part in index.parts] == [{}] * len(index.parts)
    crawl(root, "2", rows[60:], root / "index")
    assert contents(root / "2" / "dedup") == before
    assert check(root / "index") == []


@pytest.mark.parametrize("groups", ["first", "components"])
def test_indexed_documents_stay_or_compete(root, groups):
    crawl(root, "1", [{"id": "a", "text": prose(1), "date": "2024-01-01"}, {"id": "b", "text": prose(2)}])
    add(root / "index", root / "1")
    later = [{"id": "c", "text": COPY, "date": "2025-01-01"}]
    assert crawl(root, "2", later, root / "index", groups=groups).kept == 0
    done = crawl(root, "2", later, root / "index", groups=groups, indexed="compete")
    assert kept_ids(done) == ["c"]
    add(root / "index", root / "2")
    assert [part.documents for part in Index.open(root / "index").summary().parts] == [1, 1]
    assert crawl(root, "3", [{"id": "d", "text": prose(1)}], root / "index").dropped_rows().column("survivor").to_pylist() == [
        "c"
    ]


def test_a_run_does_not_meet_its_own_documents(root):
    rows = many(40)
    before = crawl(root, "1", rows).as_json()
    add(root / "index", root / "1")
    kept = contents(root / "1" / "dedup")
    assert crawl(root, "1", rows, root / "index").as_json() == before
    assert contents(root / "1" / "dedup") == kept
    add(root / "index", root / "1")
    assert len(Index.open(root / "index").parts) == 1
    assert crawl(root, "2", rows, root / "index").kept == 0


def test_builds_share_an_index(root):
    directory = make_inputs(root / "inputs")
    first = build(make_recipe(directory), root / "first", Serial())
    add(root / "index", first.out)
    other = root / "other"
    other.mkdir()
    write_warc(other / "web-a.warc.gz", [page(3, date="2025-06-01T00:00:00Z", host="later.example"), page(60)])
    for name in ("web-b.warc.gz", "jawiki.xml.bz2"):
        shutil.copy(directory / name, other / name)
    dedup = {"bands": 14, "rows": 8, "index": str(root / "index")}
    second = build(make_recipe(other, dedup=dedup), root / "second", Serial(), task_memory_bytes=2_000)
    assert [row["url"] for row in corpus(second) if row["source"] == "web"] == ["https://www.example/60"]
    lost = second.why("https://later.example/3")[0]
    assert (lost.outcome.reason, lost.outcome.detail) == ("duplicate_exact", lost.survivor.id)
    assert lost.outcome.detail.startswith("web-b.warc.gz/")
    assert sum(reason == "duplicate_exact" for reason in reasons(second).values()) > 1
    assert build(make_recipe(other, dedup=dedup), root / "second", Serial()).verify().problems == ()


def test_the_commands(root):
    crawl(root, "1", [{"id": "a", "text": prose(1)}, {"id": "b", "text": prose(2)}])
    (root / "ids.txt").write_text("a\nzz\n")

    def said(*words: str) -> str:
        result = CliRunner().invoke(main, ["index", *words])
        assert result.exit_code == 0, result.output
        return result.output

    assert "2 documents" in said("add", str(root / "index"), str(root / "1"), "--name", "初")
    assert (
        said("remove", str(root / "index"), "--ids", str(root / "ids.txt"))
        == "1 documents removed.\nnot in the index, and kept out of it from now on: zz\n"
    )
    assert json.loads(said("show", str(root / "index"), "--json"))["parts"][0]["removed"] == 1
    assert "初" in said("compact", str(root / "index"))
    assert said("verify", str(root / "index")) == "All is well.\n"
    found = next((root / "index" / "parts").rglob("*.npy"))
    found.write_bytes(found.read_bytes()[:-1] + b"\xff")
    result = CliRunner().invoke(main, ["index", "verify", str(root / "index")])
    assert result.exit_code == 5
    assert found.name in result.output


def test_what_is_wrong_is_a_sentence(root):
    with pytest.raises(InputError, match="There is no index in"):
        Index.open(root / "none")
    with pytest.raises(InputError, match="holds no finished search"):
        add(root / "index", root)
    crawl(root, "1", [{"id": "a", "text": prose(1)}])
    add(root / "index", root / "1")
    with pytest.raises(
        RecipeError, match="was made with 5-grams, 14 bands of 8 rows and seed 0, but this run asks for 5-grams, 7 bands"
    ):
        crawl(root, "2", [{"text": "あ"}], root / "index", bands=7)
    with pytest.raises(RecipeError, match="they cannot compete"):
        crawl(root, "2", [{"text": "あ"}], root / "index", keep="oldest", indexed="compete")
    with pytest.raises(RecipeError, match="which an index does not hold"):
        crawl(root, "2", [{"text": "あ"}], root / "index", verify=0.8, verify_by="text")
    crawl(root, "x/1", [{"id": "q", "text": prose(5)}], root / "index")
    with pytest.raises(InputError, match="give this one another --name"):
        add(root / "index", root / "x" / "1")
    value = json.loads((root / "index" / "index.json").read_text())
    for change in ({"specification": "minhash/0"}, {"format": "corpus_builder-index/9"}):
        (root / "index" / "index.json").write_text(json.dumps(value | change))
        with pytest.raises(IntegrityError, match="but this version reads"):
            Index.open(root / "index")
    (root / "index" / "index.json").write_text("{")
    with pytest.raises(IntegrityError, match="is damaged"):
        Index.open(root / "index")


@pytest.mark.parametrize("moment", range(1, 6))
def test_an_addition_that_broke_off_leaves_the_index_as_it_was(root, monkeypatch, moment):
    crawl(root, "1", many(30))
    add(root / "index", root / "1")
    crawl(root, "2", many(30, seed=9), root / "index")
    before = (root / "index" / "index.json").read_bytes()
    real, written = files.replace_file, iter(range(1, moment))

    def full(path: Path, content: bytes) -> None:
        if next(written, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    monkeypatch.setattr(files, "replace_file", full)
    if moment < 5:  # a receipt, a manifest, the mark in OUT, then index.json
        with pytest.raises(StageError, match="is full; nothing that was committed is lost"):
            add(root / "index", root / "2")
        assert (root / "index" / "index.json").read_bytes() == before
        assert check(root / "index") == []
        monkeypatch.undo()
    add(root / "index", root / "2")
    assert [part.name for part in Index.open(root / "index").parts] == ["1", "2"]


def test_verdicts_are_added_to_the_index_that_they_were_found_against_alone(root):
    """Else a document would be in it twice, or rows that mean others by now would be taken out."""
    rows = many(40)
    crawl(root, "1", rows[:20])
    crawl(root, "2", rows[20:])
    add(root / "index", root / "1")
    with pytest.raises(InputError, match="were not compared with the index"):
        add(root / "index", root / "2")
    crawl(root, "2", rows[20:], root / "index", indexed="compete")
    remove(root / "index", ids=[kept_ids(crawl(root, "1", rows[:20], root / "index"))[0]])
    compact(root / "index")
    before = contents(root / "index")
    with pytest.raises(InputError, match="were not compared with the index"):
        add(root / "index", root / "2")
    assert contents(root / "index") == before
    crawl(root, "2", rows[20:], root / "index", indexed="compete")
    assert len(add(root / "index", root / "2").parts) == 2


def test_what_competed_with_the_index_can_be_run_and_added_again(root):
    crawl(root, "1", many(40, seed=1))
    add(root / "index", root / "1")
    how = {"index": root / "index", "indexed": "compete"}
    first = crawl(root, "2", many(60, seed=1)[30:], **how)
    kept = contents(root / "2" / "dedup")
    superseded = read_table(read_manifest(root / "2" / "superseded").paths("superseded")[0])
    assert superseded.num_rows > 0
    before = add(root / "index", root / "2").summary().parts
    assert before[0].removed == superseded.num_rows
    assert crawl(root, "2", many(60, seed=1)[30:], **how).as_json() == first.as_json()
    assert contents(root / "2" / "dedup") == kept
    assert add(root / "index", root / "2").summary().parts == before


@pytest.mark.parametrize("content", [b"", b"[]", b'{"added": 3}', b'{"added": [3]}'])
def test_a_directory_that_cannot_tell_what_it_added_does_not_meet_itself(root, content):
    rows = [{"id": str(n), "text": prose(n)} for n in range(3)]
    crawl(root, "1", rows)
    add(root / "index", root / "1")
    mark = root / "1" / ".index.json"
    mark.write_bytes(content)
    for again in (lambda: crawl(root, "1", rows, root / "index"), lambda: add(root / "index", root / "1")):
        with pytest.raises(
            IntegrityError, match=rf"^{re.escape(str(mark))} is damaged .* which documents of an index are its own"
        ):
            again()


def test_what_was_removed_stays_so_when_its_part_is_added_again(root):
    done = crawl(root, "1", many(20))
    add(root / "index", root / "1")
    gone = kept_ids(done)[:2]
    assert remove(root / "index", ids=gone).documents == 2
    before = contents(root / "index")
    add(root / "index", root / "1")
    assert contents(root / "index") == before
    assert remove(root / "index", ids=gone).documents == 0


def test_the_same_documents_are_one_part_whatever_it_is_called(root):
    rows = many(20)
    crawl(root, "a/crawl", rows)
    add(root / "index", root / "a" / "crawl")
    with pytest.raises(InputError, match="already, as the part 'crawl'"):
        add(root / "index", root / "a" / "crawl", "other")
    other = many(20, seed=8)
    crawl(root, "b/crawl", other)
    add(root / "second", root / "b" / "crawl")
    found = crawl(root, "b/crawl", other, root / "index")  # a part of this name is in both; its documents are not
    assert found.kept < found.rows
    assert crawl(root, "c", rows, root / "index").kept == 0


def test_a_search_that_broke_off_is_not_added(root, monkeypatch):
    crawl(root, "1", many(20))
    with monkeypatch.context() as patch:
        patch.setattr(MatchRows, "run", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(StageError, match="gone"):
            crawl(root, "1", many(20, seed=4), bands=5, rows_=4)
    with pytest.raises(InputError, match="did not finish since its documents changed"):
        add(root / "index", root / "1")
    assert not (root / "index" / "index.json").exists()


def test_a_lost_file_and_a_mistyped_path_are_sentences(root):
    crawl(root, "日本語ウェブコーパス二〇二四年十二月クロール重複除去済みデータ", [{"id": "a", "text": prose(1)}])
    add(root / "index", next(root.glob("日本語*データ")))
    with pytest.raises(InputError, match="knows no URLs"):
        remove(root / "index", urls=["https://h.example/"])
    with pytest.raises(InputError, match="There is no index in"):
        remove(root / "idnex", ids=["a"])
    assert not (root / "idnex").exists()
    next((root / "index" / "parts").rglob("ids/*.txt")).unlink()
    with pytest.raises(IntegrityError, match="is missing"):
        remove(root / "index", ids=["a"])
    assert len(check(root / "index")) == 1


RESTORE = "restore it from a copy of the index, or make a new index from the builds and remove again what had been removed"


@pytest.fixture
def damaged(root):
    """An index with a removed document; its files by name."""
    done = crawl(root, "1", many(20))
    add(root / "index", root / "1")
    remove(root / "index", ids=kept_ids(done)[:1])
    files = {name: next((root / "index").rglob(f"{name}/*")) for name in ("keys", "sketches", "ids", "removed")}
    return files | {"manifest": next((root / "index").rglob("manifest.json"))}


def sentences(root: Path) -> dict[str, str]:
    """What every command that reads the index says, in a copy of it."""
    said = {}
    for name, call in {
        "dedup": lambda index: crawl(root, "2", many(20, seed=3), index),
        "remove": lambda index: remove(index, ids=["zz"]),
        "compact": compact,
        "verify": lambda index: pytest.fail("\n".join(check(index))),
    }.items():
        shutil.copytree(root / "index", root / name / "index")
        with pytest.raises((IntegrityError, StageError, pytest.fail.Exception)) as error:
            call(root / name / "index")
        said[name] = str(error.value)
    return said


@pytest.mark.parametrize(
    ("name", "how"),
    [(name, how) for name in ("keys", "sketches", "removed", "manifest") for how in ("missing", "cut", "flipped")]
    + [("ids", "missing"), ("ids", "cut")],  # any bytes are an id
)
def test_a_damaged_file_of_an_index_is_to_be_restored(root, damaged, name, how):
    """Running the search again would not mend it, as other damaged files are mended."""
    path, content = damaged[name], damaged[name].read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if how == "cut" else bytes([content[0] ^ 1]) + content[1:])
    for command, sentence in sentences(root).items():
        first = sentence.partition("The traces are in")[0]
        assert path.name in first, command
        assert RESTORE in first, command
        assert "same command" not in first, command
        assert "build again" not in first, command
        assert command == "verify" or f"`corpus-builder index verify {root / command / 'index'}` lists" in first


def test_a_cut_index_is_told_before_anything_is_signed(root, damaged):
    for name in ("keys", "ids"):
        damaged[name].write_bytes(damaged[name].read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=r"and 1 more are missing or truncated; restore"):
        crawl(root, "2", many(20, seed=3), root / "index")
    assert not (root / "2" / "sign").exists()
    assert len(check(root / "index")) == 2


def test_a_byte_of_an_index_that_flipped_is_found_by_verify(root, damaged):
    for name in ("keys", "sketches", "ids", "removed"):
        content = damaged[name].read_bytes()
        damaged[name].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    said = check(root / "index")
    assert [next(n for n in ("keys", "sketches", "ids", "removed") if damaged[n].name in one and f"/{n}/" in one) for one in said] == [
        "ids", "keys", "sketches", "removed",
    ]  # fmt: skip
    assert all(RESTORE in one for one in said)


def test_a_lost_file_of_what_is_to_be_added_is_made_by_the_command_that_made_it(root):
    crawl(root, "1", many(20))
    next((root / "1" / "sign").rglob("*.txt")).unlink()
    with pytest.raises(IntegrityError, match=r"is missing or truncated; run the build or `dedup` that wrote it again, then add"):
        add(root / "index", root / "1")
    crawl(root, "1", many(20))
    assert len(add(root / "index", root / "1").parts) == 1
