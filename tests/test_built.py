"""A build in hand: its tables as Arrow datasets and in SQL, and its funnel where it is shown."""

import dataclasses
import json
import re

import duckdb
import pytest
from support.builds import corpus, decisions
from support.corpora import make_recipe, prose

from corpus_builder import Built, InputError, IntegrityError, Quality, Recipe, RecipeError, Rule, Serial, Source, build
from corpus_builder.document import DECISION, LEDGER
from corpus_builder.store.dataset import read_table
from corpus_builder.store.tables import database


def test_every_table_is_a_dataset_of_what_the_manifests_name(built):
    ids = [id_ for path in built.manifests["extract"].paths("documents") for id_ in read_table(path).column("id").to_pylist()]
    assert built.documents().to_table().column("id").to_pylist() == ids
    assert built.measures().to_table(columns=["id"]).column("id").to_pylist() == ids
    assert built.matches().to_table().column("id").to_pylist() == [id_ for id_ in ids if id_.startswith("web")], (
        "what is compared"
    )
    assert built.decisions().to_table().to_pylist() == decisions(built)
    assert built.decisions().schema == DECISION
    assert built.corpus().to_table().to_pylist() == corpus(built)
    assert built.ledger().schema == LEDGER
    paths = [path for stage in ("extract", "release") for path in built.manifests[stage].paths("ledger")]
    assert sorted(built.ledger().files) == sorted(map(str, paths))
    assert built.ledger().count_rows() == sum(read_table(path).num_rows for path in paths)


def test_sql_joins_the_tables(built):
    found = built.sql(
        "select d.source, e.keep, count(*) as documents, count(m.survivor), sum(length(text)) "
        "from decisions e join documents d using (id) left join matches m using (id) join measures using (id) "
        "group by all order by all"
    )
    texts = {row["id"]: row for row in built.documents().to_table().to_pylist()}
    judged = {row["id"]: row for row in decisions(built)}
    wanted = []
    for source, keep in sorted({(texts[id_]["source"], row["keep"]) for id_, row in judged.items()}):
        some = [id_ for id_, row in judged.items() if (texts[id_]["source"], row["keep"]) == (source, keep)]
        lost = sum(judged[id_]["reason"].startswith("duplicate") for id_ in some)
        wanted.append((source, keep, len(some), lost, sum(len(texts[id_]["text"]) for id_ in some)))
    assert found.fetchall() == wanted
    assert built.sql("select reason, count(*) as pages from ledger group by 1 order by 1").to_arrow_table().to_pylist() == [
        {"reason": "gate_not_japanese", "pages": 1},
        {"reason": "http_status", "pages": 1},
        {"reason": "not_html", "pages": 1},
        {"reason": "redirect", "pages": 1},
    ]
    assert built.sql("from corpus select count(*)").fetchall() == [(len(corpus(built)),)]


def test_columns_of_ones_own_are_there_and_null_where_a_source_has_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(prose(1))
    (tmp_path / "b.jsonl").write_text(json.dumps({"id": "b-1", "text": prose(2), "licence": "CC0"}) + "\n")
    sources = [Source(name="plain", kind="text", paths=["a.txt"]), Source(name="rows", kind="jsonl", paths=["b.jsonl"])]
    done = build(
        Recipe(name="own", sources=sources, quality=Quality(rules=[Rule(measure="num_letters", min=1)])), "out", Serial()
    )
    wanted = [("a.txt/1", None, None), ("b.jsonl/1", "b-1", '{"licence":"CC0"}')]
    columns = ["id", "own_id", "extra"]
    assert list(map(tuple, (row.values() for row in done.documents().to_table(columns=columns).to_pylist()))) == wanted
    assert done.sql("select id, own_id, extra from documents order by id").fetchall() == wanted
    assert done.sql("select extra->>'licence' from documents where extra <> ''").fetchall() == [("CC0",)]
    with pytest.raises(InputError, match=r"^There is no table of matches: the recipe looks for no duplicates\.$"):
        done.matches()


def test_what_is_not_there_yet_or_any_more_is_a_sentence(built, tmp_path):
    early = Built(built.out, built.recipe, {"extract": built.manifests["extract"]})
    with pytest.raises(
        InputError, match=r"has not come as far as the table of decisions yet; run `corpus-builder build` again\.$"
    ):
        early.decisions()
    assert early.sql("select count(*) from documents").fetchall() == [(early.documents().count_rows(),)]
    lost = dataclasses.replace(built.manifests["decide"], root=tmp_path)
    gone = Built(built.out, built.recipe, {"decide": lost})
    for read in (gone.decisions, lambda: gone.sql("from decisions")):
        with pytest.raises(IntegrityError, match=r"A file of the build cannot be read .*; `corpus-builder verify` says which"):
            read()


def test_no_extension_is_fetched_and_temporary_files_are_bounded(tmp_path):
    with database({}) as connection:
        said = dict(connection.execute("select name, value from duckdb_settings()").fetchall())
        assert [said[name] for name in ("autoinstall_known_extensions", "autoload_known_extensions")] == ["false", "false"]
        assert said["max_temp_directory_size"] == "64.0 GiB"
        assert said["temp_directory"] != ".tmp", "that would be in the working directory"
        with pytest.raises(duckdb.Error, match="extension"):
            connection.execute("select * from 'https://data.example/a.parquet'")
    with database({}, tmp_path) as connection:
        assert connection.execute("select current_setting('temp_directory')").fetchall() == [(str(tmp_path),)]


def label_of(step) -> str:
    return {"in": "", "drop": "- ", "stand": "= "}[step.kind] + step.label


def test_a_build_shows_its_funnel(built):
    said = repr(built).splitlines()
    assert said[0] == f"The build tiny in {built.out}"
    rows = [re.split(r"  +", line.strip())[:2] for line in said[2:]]
    assert rows == [[label_of(step), f"{step.pages:,}"] for step in built.funnels()[-1].steps]
    html = built._repr_html_()
    bold = [("pages read", "17"), ("Japanese documents", "13"), ("kept", "11"), ("released", "11")]
    assert re.findall(r"<b>(.*?)</b></td><td[^>]*>([\d,]+)</td>", html) == bold
    assert "currentColor" in html
    assert not re.search(r"#[0-9a-f]{3}|(?<!-)color:(?!inherit)", html), "no colour of ours, which would not fit a dark page"


def test_reasons_that_a_filter_made_up_are_escaped_in_html(inputs):
    (inputs / "rude_reason.py").write_text(
        "from corpus_builder import Drop\n"
        "def f(doc): return Drop('<script>alert(1)</script>') if doc.id.startswith('web-a') else Drop('r' + doc.id[-1:])\n"
    )
    recipe = make_recipe(inputs, dedup=None, quality={"rules": [{"filter": "rude_reason:f"}]}, release={})
    done = build(recipe, inputs / "out", Serial())
    html = done._repr_html_()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert re.search(r"- \d other reasons +\d", repr(done))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            "from decision",
            r"^The query failed: .*decision does not exist.*\nDid you mean .*\nThe tables of this build are documents, measures, ",
        ),
        ("selct 1", r"^The query failed: .*syntax error at or near \"selct\""),
        ("", r"^The query '' returns no rows; write, for example, select \* from documents limit 5\.$"),
    ],
)
def test_a_query_that_is_wrong_is_an_error_with_the_tables(built, query, says):
    with pytest.raises(InputError, match=says):
        built.sql(query)


@pytest.mark.parametrize("engine", ["serial", Serial])
def test_the_name_or_class_of_an_engine_is_no_engine(built, tmp_path, engine):
    with pytest.raises(RecipeError, match=r"^engine = .*[Ss]erial.* is no engine; give Serial\(\) or Ray\(\.\.\.\)\.$"):
        build(built.recipe, tmp_path / "out", engine)
