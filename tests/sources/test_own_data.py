"""Data of one's own in a build: JSON lines, Parquet and text are read as what they are, in the language that their source says."""

from __future__ import annotations

import bz2
import datetime
import gzip
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.corpora import ENGLISH, SENTENCES, Response, page, prose, write_warc, write_wikipedia
from support.paths import TESTS
from support.rows import TYPES

from corpus_builder import Built, Document, Drop, InputError, Recipe, RecipeError, Serial, StageError, build, judge
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.sources.parquet import read_parquet
from corpus_builder.store.dataset import read_table

CASES = TESTS / "cases" / "own_data"
FIRST, SECOND, THIRD = SENTENCES[:3]
FOX = "The quick brown fox jumps over the lazy dog, then rests. " * 5


def built(folder: Path, *sources: dict[str, object], out: str = "out", **more: object) -> Built:
    recipe = Recipe.of({"name": "own", "sources": list(sources), **more}, base=folder)
    return build(recipe, folder / out, Serial())


def source(kind: str, *paths: str, name: str = "own", **more: object) -> dict[str, object]:
    return {"name": name, "kind": kind, "paths": list(paths), **more}


def rows(done: Built, stage: str, table: str) -> list[dict[str, object]]:
    found = [row for path in done.manifests[stage].paths(table) for row in read_table(path).to_pylist()]
    return sorted(found, key=lambda row: str(row["id"]))


def documents(done: Built, *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row[column] for column in columns) for row in rows(done, "extract", "documents")]


def reasons(done: Built) -> dict[str, str]:
    return {str(row["id"]): str(row["reason"]) for row in rows(done, "extract", "ledger")}


def lines(path: Path, *values: dict[str, object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


# ---- the cases -------------------------------------------------------------------------------------------------------


def test_json_lines_in_zstd_are_a_source(tmp_path: Path) -> None:
    for name in ("plain.jsonl", "zstd.jsonl.zst"):
        shutil.copy(CASES / name, tmp_path)
    done = built(tmp_path, source("jsonl", "plain.jsonl", name="web"), source("jsonl", "zstd.jsonl.zst", name="books"))
    assert documents(done, "id", "source", "own_id") == [
        *((f"plain.jsonl/{number + 1}", "web", f"d{number}") for number in range(3)),
        *((f"zstd.jsonl.zst/{number + 1}", "books", f"d{number}") for number in range(3)),
    ]


def test_a_column_of_string_views_is_text(tmp_path: Path) -> None:
    shutil.copy(CASES / "string_view.parquet", tmp_path)
    done = built(tmp_path, source("parquet", "string_view.parquet"))
    assert documents(done, "id", "own_id") == [(f"string_view.parquet/{number}", f"d{number}") for number in range(4)]


@pytest.mark.parametrize("columns", [{"url": "meta.url"}, {"columns": {"url": "meta.url"}}])
def test_a_url_in_a_nested_column_can_be_named(tmp_path: Path, columns: dict[str, object]) -> None:
    shutil.copy(CASES / "nested.parquet", tmp_path)
    done = built(tmp_path, source("parquet", "nested.parquet", **columns))
    rest = '{"meta":{"tags":["x",null]}}'
    expected = [(f"nested.parquet/{number}", str(number), f"http://a/{number}", "a", rest) for number in range(4)]
    assert documents(done, "id", "own_id", "url", "host", "extra") == expected
    assert reasons(done) == {"nested.parquet/4": "no_text", "nested.parquet/5": "no_text"}
    assert [(row["id"], row["own_id"]) for row in rows(done, "extract", "own_ids")] == [
        ("nested.parquet/4", "4"),
        ("nested.parquet/5", "5"),
    ]


def test_english_text_enters_a_mixture_where_its_source_takes_no_test(tmp_path: Path) -> None:
    shutil.copy(CASES / "english.jsonl", tmp_path)
    japanese = {"id": "j", "text": prose(1)}
    lines(tmp_path / "ja.jsonl", japanese)
    sources = source("jsonl", "english.jsonl", name="english", language="none"), source("jsonl", "ja.jsonl", name="web")
    done = built(tmp_path, *sources, quality={"rules": [{"measure": "hiragana_fraction", "min": 0.2}]})
    assert [(row["own_id"], row["source"], row["extra"]) for row in rows(done, "release", "corpus")] == [
        *((f"e{number}", "english", '{"lang":"en","meta":{"a":1}}') for number in range(3)),
        ("j", "web", ""),
    ]
    tested = built(tmp_path, sources[0] | {"language": "ja"}, sources[1], out="tested")
    assert reasons(tested) == {f"english.jsonl/{number}": "not_japanese" for number in (1, 2, 3)}


# ---- formats and columns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_any_arrow_type_of_text_is_text(tmp_path: Path, kind: pa.DataType) -> None:
    texts = [prose(1), None, prose(2), ""]
    plain = pa.array([text.encode() if text is not None else None for text in texts] if "binary" in str(kind) else texts)
    column = plain.dictionary_encode() if pa.types.is_dictionary(kind) else plain.cast(kind)
    pq.write_table(pa.table({"text": column, "id": pa.array([1, 2, 3, 4])}), tmp_path / "a.parquet")
    done = built(tmp_path, source("parquet", "a.parquet"))
    assert documents(done, "own_id", "text") == [("1", prose(1)), ("3", prose(2))]
    assert reasons(done) == {"a.parquet/1": "no_text", "a.parquet/3": "no_text"}


def test_text_that_is_not_utf_8_costs_its_row(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array([prose(1).encode(), b"\xff\xfe", prose(2).encode()]), "id": ["a", "b", "c"]})
    pq.write_table(table, tmp_path / "binary.parquet")
    broken = pa.Array.from_buffers(pa.string(), 3, table.column("text").chunk(0).buffers())  # claims to be a string
    pq.write_table(table.set_column(0, "text", broken), tmp_path / "string.parquet")
    done = built(tmp_path, source("parquet", "*.parquet"))
    assert documents(done, "id", "own_id") == [
        *((f"binary.parquet/{row}", own) for row, own in ((0, "a"), (2, "c"))),
        *((f"string.parquet/{row}", own) for row, own in ((0, "a"), (2, "c"))),
    ]
    assert reasons(done) == {"binary.parquet/1": "bad_utf8", "string.parquet/1": "bad_utf8"}
    assert [row["own_id"] for row in rows(done, "extract", "own_ids")] == ["b", "b"]


def test_every_row_of_many_row_groups_and_batches_is_read_once(tmp_path: Path) -> None:
    texts = [f"{number}番目の文章です。図書館で古い地図を見ました。" if number % 7 else None for number in range(3_500)]
    table = pa.table({"text": texts, "n": range(3_500)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1_201)
    done = built(tmp_path, source("parquet", "a.parquet"))
    kept = {row["id"]: (row["text"], row["extra"]) for row in rows(done, "extract", "documents")}
    assert kept == {f"a.parquet/{n}": (text, f'{{"n":{n}}}') for n, text in enumerate(texts) if text}
    assert reasons(done) == {f"a.parquet/{n}": "no_text" for n, text in enumerate(texts) if not text}


def test_further_columns_travel_as_json(tmp_path: Path) -> None:
    moment = datetime.datetime(2024, 12, 1, 9, 30, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "text": [prose(1)],
            "date": pa.array([moment], pa.timestamp("ns", "Asia/Tokyo")),
            "seen": pa.array([1733045400000000123], pa.timestamp("ns")),
            "score": [float("nan")],
            "raw": [b"\xff"],
            "meta.lang": ["ja"],
            "tags": [[{"a": datetime.date(2024, 1, 2)}]],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    lines(tmp_path / "b.jsonl", {"text": prose(2), "id": "x", "half": "a\ud800", "meta": {"n": 1.5, "lang": "ja"}})
    done = built(tmp_path, source("parquet", "a.parquet", name="a"), source("jsonl", "b.jsonl", name="b", extra=["meta.n"]))
    (_, date, first), (_, _, second) = documents(done, "own_id", "date", "extra")
    assert date == "2024-12-01T09:30:00Z"
    assert json.loads(str(first)) == {
        "seen": "2024-12-01T09:30:00Z",
        "score": None,
        "raw": "/w==",
        "meta.lang": "ja",
        "tags": [{"a": "2024-01-02"}],
    }
    assert second == '{"meta.n":1.5}'


def test_values_that_python_has_no_type_for_are_spelled(tmp_path: Path) -> None:
    """Nanoseconds, years before 1 and unknown time zones, within structs, lists, maps and dictionaries, too."""
    nano, text = pa.duration("ns"), pa.string()
    columns = {
        "duration": pa.array([5], nano),
        "time": pa.array([3], pa.time64("ns")),
        "moment": pa.array([1_001], pa.timestamp("ns")),
        "year": pa.array([-(10**18)], pa.timestamp("us")),
        "zone": pa.array([1_001], pa.timestamp("ns", "Nowhere/At_All")),
        "struct": pa.array([{"d": 5, "s": "a"}], pa.struct({"d": nano, "s": text})),
        "list": pa.array([[5, None]], pa.list_(nano)),
        "map": pa.array([[("k", 5)]], pa.map_(text, nano)),
        "dictionary": pa.array([3], pa.time64("ns")).dictionary_encode(),
    }
    pq.write_table(pa.table({"text": [prose(1)], **columns}), tmp_path / "a.parquet")
    (row,) = read_parquet(tmp_path / "a.parquet")
    assert json.loads(row.extra()) == {
        "duration": "5",
        "time": "00:00:00.000000003",
        "moment": "1970-01-01T00:00:00.000001Z",
        "year": "-29719-04-05 22:13:20.000000",
        "zone": "1970-01-01 00:00:00.000001",
        "struct": {"d": "5", "s": "a"},
        "list": ["5", None],
        "map": [["k", "5"]],
        "dictionary": "00:00:00.000000003",
    }


def test_own_ids_and_columns_reach_the_corpus_and_user_ids_find_their_rows(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", {"text": prose(1), "id": "mine/1", "n": 1}, {"text": "too English to be kept", "id": "mine/2"})
    write_warc(tmp_path / "w.warc.gz", [page(3)])
    done = built(tmp_path, source("jsonl", "a.jsonl"), source("warc", "w.warc.gz", name="web"))
    found = {str(row["source"]): (row["own_id"], row["extra"]) for row in rows(done, "release", "corpus")}
    assert found == {"own": ("mine/1", '{"n":1}'), "web": ("", "")}
    (kept,), (lost,) = done.why("mine/1"), done.why("mine/2")
    assert (kept.id, kept.outcome.verdict, lost.id, lost.outcome.reason) == ("a.jsonl/1", "released", "a.jsonl/2", "not_japanese")
    with pytest.raises(InputError, match="No page of this build has the id or URL 'mine/3'"):
        done.why("mine/3")


def test_functions_of_the_user_see_own_ids_and_further_columns(tmp_path: Path) -> None:
    (tmp_path / "rules_of_rows.py").write_text(
        "from corpus_builder import Drop\ndef seen(doc):\n    return Drop('seen', detail=f'{doc.own_id} {doc.extra}')\n"
    )
    lines(tmp_path / "a.jsonl", {"text": prose(1), "id": "mine/1", "n": 1})
    quality = {"rules": [{"filter": "rules_of_rows:seen"}]}
    done = built(tmp_path, source("jsonl", "a.jsonl"), quality=quality)
    assert [row["detail"] for row in rows(done, "decide", "decisions")] == ['mine/1 {"n":1}']
    (judged,) = judge(done.recipe, Document(prose(1), own_id="mine/1", extra='{"n":1}'))
    assert judged.drop == Drop("seen", detail='mine/1 {"n":1}')


def test_a_corpus_without_rows_of_ones_own_has_no_such_columns(tmp_path: Path) -> None:
    write_warc(tmp_path / "w.warc.gz", [page(3)])
    done = built(tmp_path, source("warc", "w.warc.gz"))
    assert pq.read_schema(done.manifests["release"].paths("corpus")[0]).names == [
        *("id", "source", "url", "title", "date", "crawl", "copy", "text")
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("file", [("t.txt/1", f"{FIRST}\n{SECOND}\n\n{THIRD}")]),
        ("line", [("t.txt/1", FIRST), ("t.txt/2", SECOND), ("t.txt/4", THIRD)]),
        ("paragraph", [("t.txt/1", f"{FIRST}\n{SECOND}"), ("t.txt/4", THIRD)]),
    ],
)
@pytest.mark.parametrize("encoding", [None, "cp932", "utf-16"])
def test_a_file_a_line_or_a_paragraph_is_a_document(
    tmp_path: Path, document: str, expected: object, encoding: str | None
) -> None:
    text = f"{FIRST}\r\n{SECOND}\r\n\r\n{THIRD}".encode(encoding or "utf-8-sig")
    (tmp_path / "t.txt").write_bytes(bz2.compress(text))
    more = {} if encoding is None else {"encoding": encoding}
    done = built(tmp_path, source("text", "t.txt", document=document, **more))
    assert documents(done, "id", "text") == expected


# ---- what cannot be read ---------------------------------------------------------------------------------------------


UNREADABLE = [
    ("warc", b"no archive", "Nothing of .*/file can be read as kind = .warc. .not_a_warc 1: .*it is text"),
    ("wikipedia", b"no dump", "Nothing of .*/file can be read as kind = .wikipedia. .not_a_dump 1"),
    ("jsonl", b"no json\nnor this\n", r"Nothing of .*/file can be read as kind = .jsonl. \(bad_json 2: .*it is text\. Repair"),
    ("jsonl", gzip.compress(b'{"text": "a"}' * 99, mtime=0)[:-30], r"\(damaged_file 1: .*it is text, compressed with gzip\."),
    ("jsonl", b'{"txt": "a", "meta": {"url": "u"}}\n', r"has no column 'text'; did you mean 'txt'\? \(it has txt, meta.url\)"),
    ("parquet", b"PAR1", "file is not a valid Parquet file"),
    (
        "parquet",
        b'{"text": "a"}\n{"text": "b"}\n',
        'is JSON lines, but its source .own. has kind = "parquet"; write kind = "jsonl"',
    ),
    ("text", "吾輩は猫である。".encode("cp932"), 'undecodable 1.*name it: encoding = "cp932"'),
]


@pytest.mark.parametrize(("kind", "content", "says"), UNREADABLE)
def test_a_file_of_which_nothing_can_be_read_is_a_sentence_or_reported(
    tmp_path: Path, kind: str, content: bytes, says: str
) -> None:
    (tmp_path / "file").write_bytes(content)
    lines(tmp_path / "good.jsonl", {"text": prose(1)})
    sources = source(kind, "file"), source("jsonl", "good.jsonl", name="good")
    with pytest.raises(StageError, match=says):
        built(tmp_path, *sources)
    done = built(tmp_path, sources[0] | {"unreadable": "report"}, sources[1])
    assert [row["source"] for row in rows(done, "release", "corpus")] == ["good"]
    assert reasons(done)
    assert str(tmp_path) not in json.dumps(rows(done, "extract", "ledger"))
    with pytest.raises(StageError, match=says):  # what was reported is no longer wanted
        built(tmp_path, *sources)


@pytest.mark.parametrize("kind", ["warc", "wikipedia", "jsonl", "parquet", "text"])
@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_counted(tmp_path: Path, kind: str, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    done = built(tmp_path, source(kind, "file"))
    assert [(stats.source, stats.documents) for stats in done.manifests["extract"].stats(ExtractStats).values()] == [("own", 0)]


@pytest.mark.parametrize("content", [b"\n\r\n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_a_file_of_empty_lines_alone_is_counted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    assert reasons(built(tmp_path, source("jsonl", "a.jsonl"))) == {"a.jsonl/1": "empty_file"}


def test_a_parquet_file_without_rows_is_counted(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert reasons(built(tmp_path, source("parquet", "a.parquet"))) == {"a.parquet/0": "empty_file"}


@pytest.mark.parametrize(
    ("table", "more", "says"),
    [
        (
            {"text": [1]},
            {},
            r"The column 'text' of .*a\.parquet does not hold text: its type is int64; name the text column \(the file has text\)",
        ),
        ({"text": [["a"]], "b": ["c"]}, {}, r"does not hold text: its type is list<element: string>; .*the file has text, b\)"),
        (
            {"content": ["a"], "m": [{"x": 1}]},
            {},
            r"has no column 'text' \(it has content, m\.x\)\. Name the columns in the source",
        ),
        ({"text": ["a"], "link": ["b"]}, {"url": "lnik"}, r"has no column 'lnik'; did you mean 'link'\? \(it has text, link\)"),
    ],
)
def test_a_column_that_is_not_there_or_holds_no_text_is_a_sentence(tmp_path: Path, table, more, says: str) -> None:
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(StageError, match=says):
        built(tmp_path, source("parquet", "a.parquet", **more))


# ---- languages -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fastText model that tells Japanese and English apart."""
    import fasttext

    folder = tmp_path_factory.mktemp("model")
    english = ["the fox rests", "over the lazy dog", "a quick brown fox", "then it jumps over the dog"] * 8
    japanese = prose(1, 28).replace("\n", "").split("。")
    (folder / "train.txt").write_text(
        "".join([f"__label__en {line}\n" for line in english] + [f"__label__ja {' '.join(line)}\n" for line in japanese if line])
    )
    trained = fasttext.train_supervised(str(folder / "train.txt"), minn=1, maxn=3, dim=8, epoch=25, lr=0.5, thread=1, verbose=0)
    trained.save_model(str(folder / "lid.bin"))
    return folder / "lid.bin"


def test_a_source_takes_the_language_and_the_limit_that_it_names(tmp_path: Path, model: Path) -> None:
    lines(
        tmp_path / "a.jsonl",
        {"text": FOX, "id": "en"},
        {"text": prose(2), "id": "ja"},
        {"text": FOX + prose(2)[:200], "id": "both"},
    )
    shutil.copy(model, tmp_path / "lid.bin")

    def kept(out: str, **more: object) -> list[object]:
        return [own for (own,) in documents(built(tmp_path, source("jsonl", "a.jsonl", **more), out=out), "own_id")]

    detector = {"detector": "fasttext:lid.bin"}
    assert kept("en", language="en", **detector) == ["en", "both"]
    assert kept("strict", language="en", min_language_score=0.95, **detector) == ["en"]
    assert kept("ja") == ["ja", "both"]
    assert kept("little", min_language_score=0.9) == ["ja"]
    assert kept("all", language="none") == ["en", "ja", "both"]
    ledger = built(tmp_path, source("jsonl", "a.jsonl", language="en", **detector), out="en")
    (lost,) = rows(ledger, "extract", "ledger")
    assert (lost["reason"], lost["threshold"], lost["detail"]) == ("not_in_language", 0.4, "en")


def test_a_change_of_what_a_source_says_is_noticed(tmp_path: Path) -> None:
    """Built again in the same directory, what comes is what a fresh build gives."""
    lines(
        tmp_path / "a.jsonl", {"text": FOX, "id": "e", "n": 1, "body": prose(3), "u": "http://b/"}, {"text": prose(2), "id": "j"}
    )
    for number, more in enumerate(
        [{}, {"language": "none"}, {"min_language_score": 0.0}, {"text": "body"}, {"id": "u"}, {"extra": ["n"]}, {"url": "u"}, {}]
    ):
        again = built(tmp_path, source("jsonl", "a.jsonl", **more))
        fresh = built(tmp_path, source("jsonl", "a.jsonl", **more), out=f"fresh{number}")
        assert rows(again, "release", "corpus") == rows(fresh, "release", "corpus")


def test_pages_and_dumps_of_other_languages_enter_a_mixture(tmp_path: Path) -> None:
    write_warc(tmp_path / "en.warc.gz", [Response("https://www.example/en", ENGLISH.encode())])
    write_wikipedia(tmp_path / "wiki.xml.bz2", [(5, "Fox", FOX), (6, "狐", prose(1))])
    warc = source("warc", "en.warc.gz", name="web")
    assert list(reasons(built(tmp_path, warc)).values()) == ["gate_not_japanese"]
    found = built(tmp_path, warc | {"language": "none"}, source("wikipedia", "wiki.xml.bz2", name="wiki"), out="both")
    assert [str(id_).partition("/")[0] for (id_,) in documents(found, "id")] == ["en.warc.gz", "wiki.xml.bz2", "wiki.xml.bz2"]
    tested = built(tmp_path, source("wikipedia", "wiki.xml.bz2", language="ja"), out="tested")
    assert reasons(tested) == {"wiki.xml.bz2/5": "not_japanese"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"language": "en"}, "language = 'en' needs a detector that knows it, and 'ngrams' knows only Japanese"),
        ({"language": "none", "detector": "ngrams"}, 'detector has no effect beside language = "none"'),
        ({"text": "a", "columns": {"text": "b"}}, "the column of the text is named twice"),
        ({"columns": {"txt": "b"}}, "columns names 'txt'; the fields of a document are text, id, url, title, date"),
        ({"kind": "warc", "text": "a"}, "text goes with kind = jsonl or parquet, not with warc"),
        ({"document": "line"}, "document goes with kind = text, not with jsonl"),
        ({"kind": "text", "encoding": "sijs"}, "encoding = 'sijs' is unknown"),
        ({"kind": "text", "encoding": "hex"}, "encoding = 'hex' is unknown"),
        ({"kind": "wikipedia", "min_language_score": 0.5}, "min_language_score goes with language: a dump is not tested"),
        ({"unreadable": "skip"}, "'fail' or 'report'"),
    ],
)
def test_what_a_source_cannot_mean_is_a_sentence(more: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        Recipe.of({"name": "x", "sources": [source("jsonl", "a.jsonl") | more]})


def test_rules_made_for_japanese_judge_other_sources_only_where_they_are_named(tmp_path: Path) -> None:
    sources = [
        source("jsonl", "a", name="web"),
        source("jsonl", "b", name="code", language="none"),
        source("wikipedia", "c", name="wiki"),
    ]
    rules = [
        {"measure": "num_letters", "min": 1},
        {"measure": "num_letters", "min": 2, "sources": ["code"]},
        {"filter": "a:b"},
        {"hosts": ["hosts.txt"]},
        {"duplicates": True},
    ]
    value = {"name": "x", "sources": sources, "dedup": {}, "quality": {"rules": rules}}
    recipe = Recipe.of(value)
    assert [recipe.judged_by(rule) for rule in recipe.quality.rules] == [
        ("web", "wiki"),
        ("code",),
        ("web", "wiki"),
        ("web", "code", "wiki"),
        ("web", "code", "wiki"),
    ]
    named = Recipe.of(value | {"quality": {"rules": rules, "sources": ["code"]}})
    assert {named.judged_by(rule) for rule in named.quality.rules} == {("code",)}


# ---- paths and names -------------------------------------------------------------------------------------------------


def test_files_of_one_name_are_told_apart_by_the_shortest_path(tmp_path: Path) -> None:
    for number, name in enumerate(["2024/web/a.jsonl", "2025/web/a.jsonl", "a.jsonl", "2025/books/a.jsonl", "2025/b.jsonl"]):
        lines(tmp_path / "one" / name, {"text": prose(number)})
    shutil.copytree(tmp_path / "one", tmp_path / "else" / "where")
    expected = ["2024/web/a.jsonl/1", "2025/web/a.jsonl/1", "a.jsonl/1", "b.jsonl/1", "books/a.jsonl/1"]
    for place in (tmp_path / "one", tmp_path / "else" / "where"):
        done = built(place, source("jsonl", "**/*.jsonl"))
        assert [id_ for (id_,) in documents(done, "id")] == expected
        assert done.why("2025/web/a.jsonl/1")[0].outcome.verdict == "released"


def test_a_path_that_exists_is_taken_as_it_is_written(tmp_path: Path) -> None:
    lines(tmp_path / "data[1].jsonl", {"text": prose(1), "id": "brackets"})
    lines(tmp_path / "data1.jsonl", {"text": prose(2), "id": "one"})
    lines(tmp_path / "in[12]" / "x.jsonl", {"text": prose(3), "id": "inner"})
    lines(tmp_path / "in1" / "y.jsonl", {"text": prose(4), "id": "other"})

    def found(*paths: str) -> list[object]:
        return [
            own for (own,) in documents(built(tmp_path, source("jsonl", *paths), out=f"out{len(paths)}{paths[0][0]}"), "own_id")
        ]

    assert found("data[1].jsonl") == ["brackets"]
    assert found("in[12]/*.jsonl", "data[1].jsonl") == ["brackets", "inner"]
    assert found("[d]ata[1].jsonl") == ["one"]


def test_a_recipe_in_a_directory_with_brackets_is_found(tmp_path: Path) -> None:
    lines(tmp_path / "a[1]" / "x.jsonl", {"text": prose(1)})
    lines(tmp_path / "a1" / "x.jsonl", {"text": prose(2)})
    assert documents(built(tmp_path / "a[1]", source("jsonl", "*.jsonl")), "text") == [(prose(1),)]


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_bytes(b'\xef\xbb\xbfname = "x"\n[[sources]]\nname = "web"\nkind = "text"\npaths = ["a"]\n')
    assert Recipe.load(tmp_path / "r.toml").name == "x"
