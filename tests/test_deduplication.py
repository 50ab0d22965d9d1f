"""Deduplication of any files: the same bytes on every engine, other columns untouched, and survivors lose nobody."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from support.corpora import contents, prose
from support.rows import jsonl, kept_ids, lines, many

from corpus_builder import InputError, Ray, RecipeError, Serial, StageError, deduplicate
from corpus_builder.commands.main import main
from corpus_builder.duplicates.index import add, remove
from corpus_builder.duplicates.signed_files import hash_of

CHANGED = f"{prose(1)[:-40]}変{prose(1)[-39:]}"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    rows = many(60)
    return [jsonl(tmp_path / f"part-{number}.jsonl", rows[number * 20 : number * 20 + 20]) for number in range(3)]


def test_kept_lines_are_as_they_were_and_dropped_rows_name_their_survivor(tmp_path: Path) -> None:
    kept = {"id": "a", "text": prose(1), "date": "2024-12-02", "別": [1, {"x": None}]}
    path = jsonl(tmp_path / "a.jsonl", [kept, {"id": "b", "text": CHANGED, "date": "2024-12-01"}, {"id": "c", "text": prose(2)}])
    done = deduplicate(path, tmp_path / "out", Serial())
    before = path.read_text().splitlines()
    assert lines(done) == [before[0], before[2]]
    (dropped,) = done.dropped_rows().to_pylist()
    assert 0.85 < dropped.pop("similarity") < 1.0
    assert dropped.pop("matched_file") == "a.jsonl"
    assert dropped == {
        "loser": "b",
        "survivor": "a",
        "matched": "a",
        "rule": "near",
        "row": 1,
        "matched_row": 0,
        "in_index": False,
    }
    assert (done.rows, done.kept, done.dropped) == (3, 2, {"near": 1, "exact": 0, "url": 0})
    assert [line.split(maxsplit=1) for line in repr(done).splitlines()[:3]] == [
        ["3", "rows"],
        ["-1", "near duplicates"],
        ["2", "kept"],
    ]


def test_formats_and_layouts_are_kept(tmp_path: Path) -> None:
    root = tmp_path / "snapshot"
    table = pa.table({"text": [prose(1), prose(2), prose(1)], "meta": [{"n": [1]}, {"n": []}, None], "無": pa.nulls(3)})
    table = table.replace_schema_metadata({"huggingface": '{"info": {}}'})
    (root / "data" / "en").mkdir(parents=True)
    pq.write_table(table, root / "data" / "train-00000.parquet")
    pq.write_table(table.slice(1, 1), root / "data" / "en" / "train-00000.parquet")
    line = (json.dumps({"text": prose(2)}) + "\n" + json.dumps({"text": prose(3)})).encode()
    (root / "a.jsonl.gz").write_bytes(gzip.compress(line, mtime=0))
    with pa.CompressedOutputStream(str(root / "b.jsonl.zst"), "zstd") as file:
        file.write(line)
    (root / "dataset_info.json").write_text("{}")
    (root / "README.md").write_text("")
    done = deduplicate([root], tmp_path / "out", Serial())
    names = [path.name.split(".", 1)[0] for path in done.kept_files]
    assert names == ["a", "b", "en%2Ftrain-00000", "train-00000"]
    assert [path.suffix for path in done.kept_files] == [".gz", ".zst", ".parquet", ".parquet"]
    assert gzip.decompress(done.kept_files[0].read_bytes()) == line + b"\n"
    left = pq.read_table(done.kept_files[3])
    before = pq.read_table(root / "data" / "train-00000.parquet")
    assert left.schema.equals(before.schema, check_metadata=True)
    assert left.to_pylist() == table.slice(0, 1).to_pylist()
    assert set(done.dropped_rows().column("survivor").to_pylist()) == {
        "a.jsonl.gz/0", "a.jsonl.gz/1", "train-00000.parquet/0",
    }  # fmt: skip
    assert done.dropped["exact"] == 5


def test_engine_order_memory_and_a_second_run_do_not_show(files: list[Path], tmp_path: Path, local_ray: None) -> None:
    settings = {"verify": 0.8, "url": True}
    serial = deduplicate(files, tmp_path / "serial", Serial(), **settings)
    with Ray(2) as engine:
        deduplicate(files[::-1], tmp_path / "ray", engine, task_memory_bytes=40_000, **settings)
    assert contents(tmp_path / "ray") == contents(tmp_path / "serial")
    times = {name: (tmp_path / "serial" / name).stat().st_mtime_ns for name in contents(tmp_path / "serial")}
    assert deduplicate(files, tmp_path / "serial", Serial(), **settings).as_json() == serial.as_json()
    assert times == {name: (tmp_path / "serial" / name).stat().st_mtime_ns for name in contents(tmp_path / "serial")}


def test_a_run_that_broke_off_goes_on(files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from corpus_builder.duplicates.row_stages import CopyRows

    deduplicate(files, tmp_path / "whole", Serial())
    with monkeypatch.context() as patch:
        patch.setattr(CopyRows, "run", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(StageError, match="gone"):
            deduplicate(files, tmp_path / "out", Serial())
    signed = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "sign").rglob("*.npy")}
    deduplicate(files, tmp_path / "out", Serial())
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert signed == {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "sign").rglob("*.npy")}


@pytest.mark.parametrize("groups", ["first", "components"])
@pytest.mark.parametrize(("verify", "verify_by"), [(None, "signature"), (0.9, "signature"), (0.9, "text")])
def test_survivors_lose_nobody(tmp_path: Path, groups, verify, verify_by) -> None:
    settings = {"groups": groups, "verify": verify, "verify_by": verify_by, "keep": "largest:score", "url": True}
    done = deduplicate([jsonl(tmp_path / "a.jsonl", many(120))], tmp_path / "out", Serial(), **settings)
    assert 0 < done.kept < 100
    survivors = done.dropped_rows().column("survivor").to_pylist()
    assert len(survivors) == done.rows - done.kept
    assert set(survivors) - set(kept_ids(done)) == set()
    again = deduplicate(done.kept_files, tmp_path / "again", Serial(), **settings)
    assert again.kept == again.rows == done.kept


@pytest.mark.parametrize(
    ("keep", "survivor"),
    [("newest", "b"), ("oldest", "c"), ("longest", "a"), ("largest:score", "c"), ("first:wiki,web", "b"), ("first:x", "a")],
)
def test_who_survives_is_the_users_choice(tmp_path: Path, keep: str, survivor: str) -> None:
    rows = [
        {"id": "a", "text": CHANGED + "長。", "date": "2024-12-02", "score": 1, "from": "web"},
        {"id": "b", "text": prose(1), "date": "2024-12-03", "score": 0.5, "from": "wiki"},
        {"id": "c", "text": CHANGED, "date": "2024-12-01", "score": 2.5, "from": "blog"},
    ]
    done = deduplicate([jsonl(tmp_path / "a.jsonl", rows)], tmp_path / "out", Serial(), keep=keep, source="from")
    assert kept_ids(done) == [survivor]


def test_a_file_can_be_the_source(tmp_path: Path) -> None:
    paths = [jsonl(tmp_path / name, [{"id": name, "text": prose(1)}]) for name in ("a.jsonl", "wiki-1.jsonl")]
    assert kept_ids(deduplicate(paths, tmp_path / "out", Serial(), keep="first:wiki*")) == ["wiki-1.jsonl"]


def test_candidates_below_the_threshold_do_not_count(tmp_path: Path) -> None:
    half = prose(1)[: len(prose(1)) // 2]
    path = jsonl(tmp_path / "a.jsonl", [{"id": "a", "text": prose(1)}, {"id": "b", "text": half}, {"id": "c", "text": CHANGED}])
    loose = {"bands": 100, "rows": 1}
    assert kept_ids(deduplicate([path], tmp_path / "loose", Serial(), **loose)) == ["a"]
    for how in ("signature", "text"):
        done = deduplicate([path], tmp_path / how, Serial(), verify=0.8, verify_by=how, **loose)
        assert kept_ids(done) == ["a", "b"]


def test_the_similarity_by_text_is_the_exact_one(tmp_path: Path) -> None:
    from corpus_builder.hashing.shingles import jaccard

    path = jsonl(tmp_path / "a.jsonl", [{"text": prose(1)}, {"text": CHANGED}])
    done = deduplicate([path], tmp_path / "out", Serial(), verify=0.5, verify_by="text")
    assert done.dropped_rows().column("similarity").to_pylist() == [jaccard(prose(1), CHANGED, 5)]


def test_texts_that_break_the_scheme(tmp_path: Path) -> None:
    """Short texts match their equals alone; rows without text match nothing; boilerplate around other texts is no match."""
    frame = "トップページ。お問い合わせ。サイトマップ。"
    texts = ["いろ", "いろ", "いろは", "", "", " \n", "　", None, 7, frame + prose(3), frame + prose(4), frame]
    rows: list[dict[str, object]] = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    path = jsonl(tmp_path / "a.jsonl", rows)
    with path.open("a") as file:
        file.write("no json\n\n[1]\n")
    done = deduplicate([path], tmp_path / "out", Serial())
    assert done.dropped_rows().column("loser").to_pylist() == ["1"]
    assert (done.rows, done.kept, done.without_text, done.broken) == (15, 14, 7, 2)  # an empty line has no text, either


def test_many_identical_rows_are_settled_by_their_digest(tmp_path: Path) -> None:
    paths = [
        jsonl(tmp_path / f"{name}.jsonl", [{"id": f"{name}{i}", "text": "同じ文。" * 9} for i in range(3000)]) for name in "ab"
    ]
    done = deduplicate(paths, tmp_path / "out", Serial(), groups="components")
    assert kept_ids(done) == ["a0"]
    assert done.dropped == {"near": 0, "exact": 5999, "url": 0}


def test_the_same_url_is_a_rule_of_its_own(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": prose(1), "url": "u", "date": "2024-12-01"},
        {"id": "b", "text": prose(2), "url": "u", "date": "2024-12-02"},
        {"id": "c", "text": prose(3), "url": ""},
        {"id": "d", "text": prose(4), "url": None},
    ]
    path = jsonl(tmp_path / "a.jsonl", rows)
    assert deduplicate([path], tmp_path / "without", Serial()).kept == 4
    done = deduplicate([path], tmp_path / "out", Serial(), url=True, verify=0.99)
    (dropped,) = done.dropped_rows().to_pylist()
    assert (dropped["loser"], dropped["survivor"], dropped["rule"]) == ("a", "b", "url")
    assert dropped["similarity"] < 0.5


def test_the_column_of_the_url_and_its_rule_are_two_choices(tmp_path: Path) -> None:
    rows = [{"id": str(number), "text": prose(number), "link": "u", "url": f"v{number}"} for number in range(2)]
    path = jsonl(tmp_path / "a.jsonl", rows)

    def urls(name: str, kept: int, **settings: object) -> list[int]:
        done = deduplicate([path], tmp_path / name, Serial(), **settings)
        assert done.kept == kept
        return np.load(next((tmp_path / name / "sign" / "keys").iterdir()))["url"].tolist()

    assert urls("column", 2) == urls("rule", 2, url=True) == [hash_of("v0"), hash_of("v1")]
    assert urls("other-column", 2, url_column="link") == urls("both", 1, url=True, url_column="link") == [hash_of("u")] * 2


def test_files_without_urls_have_none(tmp_path: Path) -> None:
    """Unless the rule or the column is asked for; a URL is a string that is not empty."""
    paths = [
        jsonl(tmp_path / "a.jsonl", [{"text": prose(1)}]),
        jsonl(tmp_path / "b.jsonl", [{"text": prose(2), "url": url} for url in (None, 7, ["u"], "")]),
    ]
    deduplicate(paths, tmp_path / "out", Serial())
    assert [np.load(path)["url"].tolist() for path in sorted((tmp_path / "out" / "sign" / "keys").iterdir())] == [[0], [0] * 4]
    for settings in ({"url": True}, {"url_column": "url"}):
        with pytest.raises(StageError, match=r"a\.jsonl has no column 'url' .* --url-column"):
            deduplicate(paths, tmp_path / "out", Serial(), **settings)


def test_the_rule_does_not_sign_again_what_was_signed_with_its_column(files: list[Path], tmp_path: Path) -> None:
    deduplicate(files, tmp_path / "out", Serial(), url_column="url")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "sign").rglob("*.npy")}
    assert deduplicate(files, tmp_path / "out", Serial(), url=True).dropped["url"] > 0
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "sign").rglob("*.npy")}


def test_a_column_where_the_rule_stands_now_is_a_sentence(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"text": prose(1), "link": "u"}])
    with pytest.raises(RecipeError, match=r"url = 'link' .* url = True, url_column = 'link'"):
        deduplicate([path], tmp_path / "out", Serial(), url="link")
    result = CliRunner().invoke(main, ["dedup", str(path), "--url", "link", "--out", str(tmp_path / "out")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "corpus-builder: There is no file link. If it is the column of the URL, write --url --url-column link: --url only "
        "switches the rule on.\n"
    )


def test_the_command(files: list[Path], tmp_path: Path) -> None:
    words = [
        "dedup",
        *map(str, files),
        "--out",
        str(tmp_path / "out"),
        "--engine",
        "serial",
        "--keep",
        "oldest",
        "--verify",
        "0.8",
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "60 rows" in result.output
    found = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)
    assert found["kept"] + sum(found["dropped"].values()) == found["rows"] == 60
    assert len(found["kept_files"]) == 3


@pytest.mark.parametrize(
    ("name", "settings", "kind", "says"),
    [
        ("absent.jsonl", {}, InputError, "There is no file"),
        ("x.csv", {}, InputError, "x.csv is text, neither Parquet nor JSON lines; convert it, or leave it out"),
        ("a.jsonl", {"text": "txt"}, StageError, "did you mean 'text'"),
        ("a.jsonl", {"keep": "best"}, RecipeError, "largest:NAME"),
        ("a.jsonl", {"keep": "largest:score"}, StageError, "no column 'score'"),
        ("a.jsonl", {"verify": 2.0}, RecipeError, "from 0 to 1"),
        ("a.jsonl", {"verify": True}, RecipeError, "verify = true is not a Jaccard similarity"),
        ("a.jsonl", {"rows": 0}, RecipeError, "rows = 0"),
        ("a.jsonl", {"seed": -1}, RecipeError, "seed = -1"),
        ("a.jsonl", {"verify_by": "eye"}, RecipeError, "^verify_by = 'eye': input should be 'signature' or 'text'.$"),
        ("a.jsonl", {"indexed": "compete"}, RecipeError, "goes with index"),
        ("a.jsonl", {"verify_by": "text", "verify": False}, RecipeError, "goes with verify"),
        ("a.jsonl", {"groups": "all"}, RecipeError, "groups = 'all': input should be 'first' or 'components'"),
        ("array.json", {}, StageError, "No line of"),
        ("broken.jsonl.gz", {}, StageError, "cannot be read to its end"),
        ("broken.parquet", {}, StageError, "not a valid Parquet file"),
    ],
)
def test_what_is_wrong_is_a_sentence(tmp_path: Path, name: str, settings, kind, says: str) -> None:
    jsonl(tmp_path / "a.jsonl", [{"text": "あ"}])
    (tmp_path / "x.csv").write_text("text\n")
    (tmp_path / "broken.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}\n' * 9, mtime=0)[:-12])
    (tmp_path / "array.json").write_text('[\n"a"\n]')
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(kind, match=says):
        deduplicate([tmp_path / name], tmp_path / "out", Serial(), **settings)


def test_hashes_by_name_are_the_same_as_by_number(files: list[Path], tmp_path: Path) -> None:
    words = ["dedup", *map(str, files), "--engine", "serial"]
    by_name = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "name"), "--preset", "japanese"])
    assert by_name.exit_code == 0, by_name.stderr
    deduplicate(files, tmp_path / "number", Serial(), bands=20, rows=7)
    assert contents(tmp_path / "name") == contents(tmp_path / "number")
    deduplicate(files, tmp_path / "aim", Serial(), similarity=0.8, recall=0.99, bytes_per_document=480)
    assert contents(tmp_path / "aim") == contents(tmp_path / "number")


def test_hashes_that_contradict_each_other_are_a_sentence(files: list[Path], tmp_path: Path) -> None:
    words = ["dedup", *map(str, files), "--out", str(tmp_path / "out"), "--preset", "fineweb", "--similarity", "0.8"]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "preset = 'fineweb' already sets every number, so similarity cannot be combined with it" in result.stderr


def test_the_story_of_a_row_shows_where_the_texts_part(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": prose(1), "date": "2024-12-03"},
        {"id": "b", "text": CHANGED, "date": "2024-12-02"},
        {"id": "c", "text": prose(2)},
        {"id": "d", "text": CHANGED, "date": "2024-12-01"},
    ]
    path = jsonl(tmp_path / "a.jsonl", rows)
    out = str(tmp_path / "out")
    deduplicate([path], out, Serial())

    def said(id_: str) -> str:
        result = CliRunner().invoke(main, ["why", out, id_])
        assert result.exit_code == 0, result.output
        return result.output

    assert "dedup    kept      a.jsonl, row 2" in said("c")
    assert "dedup    dropped   duplicate_near value 0." in said("b")
    assert "survivor a\n" in said("b")
    assert "変" in said("b").split("it has -, the other +:")[1]
    assert "duplicate_exact value 1 a" in said("d")
    assert "matched  b\n  survivor a\n" in said("d")
    assert "the same text" in said("d")
    path.unlink()
    assert "survivor a\n" in said("b")
    assert "it has -" not in said("b")
    assert CliRunner().invoke(main, ["why", out, "zz"]).exit_code == 3


def test_the_story_of_a_row_is_not_misled_by_ids_that_occur_twice(tmp_path: Path) -> None:
    other = prose(5)
    paths = [
        jsonl(tmp_path / "a.jsonl", [{"id": 0, "text": prose(1)}, {"id": 1, "text": other}]),
        jsonl(tmp_path / "b.jsonl", [{"id": 0, "text": prose(9)}, {"id": 1, "text": CHANGED}]),
    ]
    done = deduplicate(paths, tmp_path / "out", Serial())
    (dropped,) = done.dropped_rows().to_pylist()
    assert (dropped["loser"], dropped["matched"], dropped["matched_file"], dropped["matched_row"]) == ("1", "0", "a.jsonl", 0)
    kept, lost = done.why("1")
    assert kept.outcome.verdict == "kept"
    assert any("変" in line for line in lost.differences)
    assert 0.85 < lost.similarity < 1.0


def test_half_a_surrogate_pair_is_spelled_as_json_does(tmp_path: Path) -> None:
    """JSON can hold it, UTF-8 and Parquet cannot; as a question mark, different ids would look the same."""
    rows = [
        {"id": "a\ud800", "text": prose(1), "date": "2024-12-03"},
        {"id": "a\udfff", "text": f"{CHANGED}\udc00", "date": "2024-12-02"},
        {"id": "b\ud800", "text": f"{CHANGED}\udc00", "date": "2024-12-01"},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = deduplicate([path], tmp_path / "out", Serial())
    assert [(row["loser"], row["matched"], row["survivor"]) for row in done.dropped_rows().to_pylist()] == [
        (r"a\udfff", r"a\ud800", r"a\ud800"),
        (r"b\ud800", r"a\udfff", r"a\ud800"),
    ]
    for id_ in (r"a\udfff", "a\udfff"):
        (story,) = done.why(id_)
        assert (story.id, story.matched.id) == (r"a\udfff", r"a\ud800")
    result = CliRunner().invoke(main, ["why", str(tmp_path / "out"), r"a\udfff"])
    assert result.exit_code == 0, result.output
    assert r"\udc00" in result.output.split("it has -, the other +:")[1]
    add(tmp_path / "index", tmp_path / "out")
    assert remove(tmp_path / "index", ids=[r"a\ud800"]).documents == 1


def test_a_file_whose_name_is_no_utf_8_is_a_sentence(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xc6\xfc.jsonl"))
    path.write_text('{"text": "x"}\n')
    with pytest.raises(InputError, match=r"The name of the file \\udcc6\\udcfc\.jsonl is not UTF-8; rename it"):
        deduplicate([path], tmp_path / "out", Serial())


def test_verification_can_be_asked_for_and_switched_off_by_the_command(tmp_path: Path) -> None:
    """Two texts that share a third of their n-grams, and a band of hashes that are loose."""
    path = jsonl(tmp_path / "a.jsonl", [{"id": "a", "text": prose(1)}, {"id": "b", "text": prose(1)[:150] + prose(2)[150:]}])
    kept = {}
    for words in ((), ("--verify", "0.2"), ("--verify", "false")):
        out = tmp_path / str(len(kept))
        told = CliRunner().invoke(main, ["dedup", str(path), "--out", str(out), *words, "--engine", "serial", *LOOSE, "--json"])
        kept[words] = json.loads(told.stdout)["kept"]
    assert kept == {(): 2, ("--verify", "0.2"): 1, ("--verify", "false"): 1}
    told = CliRunner().invoke(main, ["dedup", str(path), "--out", str(tmp_path / "x"), "--verify", "half"])
    assert (told.exit_code, "'half' is not a valid float" in told.stderr) == (2, True)


LOOSE = ("--bands", "1000", "--rows", "8")
