"""What pages, servers and file names say is shown harmlessly by every command, and stored without control characters."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpora import Response, html, make_recipe, prose, write_warc

from corpus_builder import Serial, build
from corpus_builder.built import Built
from corpus_builder.commands.main import main
from corpus_builder.commands.printing import log_to_stderr
from corpus_builder.document import Document, Drop
from corpus_builder.errors import InputError
from corpus_builder.messages.terminal import as_json, harmless, harmless_lines
from corpus_builder.recipe.inputs import find_inputs
from corpus_builder.report.page import render
from corpus_builder.sources.input_file import Ledgered
from corpus_builder.stages.documents import cleaned, document_of

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202egpj.\u2066\u200b\u2028All is well.\ufeff\U000e0041"
ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m赤\x1b[0m", "\\x1b[31m赤\\x1b[0m"),
        ("a\r\nb\tc", "a\\x0d\\nb\\tc"),
        ("\x85\x9b\x7f", "\\x85\\x9b\\x7f"),
        ("evil\u202etxt.exe\u2069", "evil\\u202etxt.exe\\u2069"),
        ("pay\u200bpal\ufeff\ud800", "pay\\u200bpal\\ufeff\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("猫 ｶﾀｶﾅ\u3000葛\U000e0100 한국어 עברית 👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 👍🏽", None),
        ("a\u200db", "a\\u200db"),
        ("あ" * 501, "あ" * 500 + "… (501 characters)"),
    ],
)
def test_a_field_is_one_harmless_line(text: str, shown: str | None) -> None:
    assert harmless(text) == (text if shown is None else shown)


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_nothing_odd_is_left_and_nothing_else_changes(text: str) -> None:
    shown = harmless(text)
    assert not ODD.search(shown)
    assert "\n" not in shown
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in shown)
    if not any(
        unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5"
        for letter in text
    ):
        assert shown == text
    assert json.loads(as_json({text: [text]})) == {text: [text]}
    assert not ODD.search(as_json({text: [text]}))


def test_lines_of_ours_stay_lines_and_are_cut() -> None:
    assert harmless_lines("一\n\t二\x1b") == "一\n\t二\\x1b"
    assert harmless_lines("x" * 4_001 + "\ny") == "x" * 4_000 + "… (4,001 characters)\ny"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A build of pages, lines and articles whose fields are full of what a terminal obeys, and long."""
    root = tmp_path_factory.mktemp("hostile")
    pages = [
        Response(f"https://a.example/{n}{EVIL.encode().decode('latin-1')}", html(prose(n), f"題{EVIL}").encode())
        for n in (1, 1, 2)
    ]
    write_warc(
        root / "web-a.warc.gz",
        [*pages, Response("https://a.example/" + "x" * 9_000, b"\x89PNG", content_type=f"image/{'png' * 999}")],
    )
    lines = [
        {"text": prose(n) + EVIL, "url": f"https://b.example/{n}{EVIL}", "title": f"{EVIL}\n題", "date": f"2024{EVIL}"}
        for n in (5, 6)
    ]
    lines += [{"text": "\x00\x1b\n", "url": "https://b.example/empty"}, {"text": "short \ud800" + EVIL}]
    (root / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + f'{{"{EVIL}\n')
    (root / "evil_filter.py").write_text(
        "from corpus_builder import Drop\n"
        f"def f(doc):\n    return Drop('evil{chr(92)}x1b[0m', 1.0, detail=doc.url + {EVIL!r}) if '/6' in doc.url else None\n"
    )
    sources = [
        {"name": "web", "kind": "warc", "paths": ["web-*.warc.gz"]},
        {"name": "lines", "kind": "jsonl", "paths": ["lines.jsonl"]},
    ]
    rules = [{"duplicates": True}, {"filter": "evil_filter:f"}]
    recipe = make_recipe(root, sources=sources, quality={"rules": rules}, release={"prepend_title": ["web"]})
    return build(recipe, root / "out", Serial())


def test_stored_fields_are_cleaned_as_texts_are(hostile: Built) -> None:
    extract = hostile.manifests["extract"]
    rows = {
        name: [row for path in extract.paths(name) for row in pq.read_table(path).to_pylist()] for name in ("documents", "ledger")
    }
    assert len(rows["documents"]) == 5
    kept = next(row for row in rows["documents"] if row["id"] == "lines.jsonl/1")
    bidi = "]0;owned[2J31m\u202egpj.\u2066\u200b All is well.\ufeff\U000e0041"
    assert {name: kept[name] for name in ("url", "host", "title", "date")} == {
        "url": f"https://b.example/5{bidi}",
        "host": "b.example",
        "title": f"{bidi} 題",
        "date": f"2024{bidi}",
    }
    assert kept["text"] == prose(5) + bidi.replace(" All", "\nAll")
    for table, found in rows.items():
        for row in found:
            for name, value in row.items():
                wanted = "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\u2028\u2029]" + ("" if name == "text" else "|\n|\t")
                assert not re.search(wanted, str(value)), (table, name)
    assert [row["reason"] for row in rows["ledger"] if row["id"] == "lines.jsonl/3"] == ["no_text"]
    assert cleaned(document_of(Document(text="\x00\x1b\n", id="a/1", url="b\n"), None, 0)) == Ledgered(
        "a/1", "b", Drop("no_text"), 0
    )


def test_every_command_shows_them_harmlessly(hostile: Built, tmp_path: Path) -> None:
    out, root = hostile.out, hostile.out.parent
    documents = [row for path in hostile.manifests["extract"].paths("documents") for row in pq.read_table(path).to_pylist()]
    odd_name = tmp_path / "a\x1b[31m\u202e.jsonl"
    odd_name.write_text(
        json.dumps({"id": EVIL, "text": prose(1)}) + "\n" + json.dumps({"id": f"2{EVIL}", "text": prose(1)}) + "\n"
    )
    commands: list[list[object]] = [
        ["why", out, documents[-1]["url"]],
        ["why", out, documents[0]["id"]],
        ["why", out, "lines.jsonl/2"],
        ["why", out, EVIL],
        ["why", out, f"web-a.warc.gz/{EVIL}"],
        ["report", out],
        ["verify", out],
        ["diff", out, out],
        ["verify", out / EVIL.replace("\n", "")],
        ["extract", root / "web-a.warc.gz"],
        ["extract", tmp_path / EVIL],
        ["judge", "--filter", f"{EVIL}:f", "--text", "あ"],
        ["judge", "--filter", "evil_filter:f", "--url", f"https://a.example/6{EVIL}", "--text", "あ"],
        ["measure", root / "lines.jsonl"],
        ["build", tmp_path / f"{EVIL}.toml"],
        ["plan", f"--{EVIL}"],
        [EVIL],
        ["dedup", odd_name, "--out", tmp_path / "deduplicated", "--engine", "serial"],
        ["why", tmp_path / "deduplicated", f"2{EVIL}"],
        ["why", tmp_path / "deduplicated", EVIL],
        ["index", "add", tmp_path / "index", tmp_path / "deduplicated", "--name", "part"],
        ["index", "remove", tmp_path / "index", "--id", EVIL, "--id", f"absent{EVIL}"],
        ["index", "show", tmp_path / "index"],
        ["crawl", f"{tmp_path}/{EVIL}", "--out", tmp_path / "crawl"],
        ["publish", out, f"s3://{EVIL}/v1"],
        ["publish", out, EVIL],
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.syspath_prepend(root)
        for command in commands:
            for more in (
                ([], ["--json"]) if command[:3] == ["why", out, "lines.jsonl/2"] or command[0] in ("report", "judge") else ([],)
            ):
                result = CliRunner().invoke(main, [*map(str, command), *more])
                assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit), command
                assert not ODD.search(result.output), (command, ODD.search(result.output), result.output)
                if more and result.exit_code == 0:
                    assert json.loads(result.stdout)
    shown = CliRunner().invoke(main, ["why", str(out), "lines.jsonl/2"]).output
    assert "evil\\x1b[0m" in shown
    assert "\\u202egpj.\\u2066\\u200b All is well.\\ufeff\\U000e0041" in shown
    ledger = [row for path in hostile.manifests["extract"].paths("ledger") for row in pq.read_table(path).to_pylist()]
    (long,) = [row["id"] for row in ledger if len(row["url"]) > 9_000]
    assert "x… (9,018 characters)" in CliRunner().invoke(main, ["why", str(out), long]).output


def test_the_report_shows_them_harmlessly(hostile: Built) -> None:
    text = render(hostile.manifests, hostile.recipe)
    assert not ODD.search(text)
    assert "evil\\x1b[0m" in text
    assert "\\u202egpj." in text
    assert "unicode-bidi: isolate" in text


def test_logs_and_tracebacks_are_harmless(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    level = logging.root.level
    try:
        log_to_stderr(logging.INFO)
        logging.getLogger("urllib3.other").info("to %s", f"https://me:pw@a.example/b?signature=1{EVIL}")
    finally:
        logging.root.setLevel(level)
    assert capfd.readouterr().err == "urllib3.other: to https://a.example/b\\u2028All is well.\\ufeff\\U000e0041\n"

    def fails(self: object, *words: object) -> None:
        raise ZeroDivisionError(f"at https://me:pw@a.example/?key=1 {EVIL}")

    monkeypatch.setattr(Built, "open", fails)
    result = CliRunner().invoke(main, ["verify", "x"])
    assert result.exit_code == 1
    assert not ODD.search(result.output)
    assert "ZeroDivisionError: at https://a.example/ \\x1b]0;owned" in result.output


@pytest.mark.parametrize("charset", ["cp932", "latin-1", "utf-8"])
def test_a_terminal_that_knows_fewer_characters_is_shown_escapes(charset: str, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text(json.dumps({"id": "猫👩", "text": "猫"}))
    runner = CliRunner(charset=charset)
    (line,) = runner.invoke(main, ["measure", str(tmp_path / "lines.jsonl")], catch_exceptions=False).stdout.splitlines()
    assert json.loads(line)["id"] == "猫👩"
    shown = runner.invoke(main, ["verify", "無い👩"], catch_exceptions=False).stderr
    name = {"cp932": "無い\\U0001f469", "latin-1": "\\u7121\\u3044\\U0001f469", "utf-8": "無い👩"}[charset]
    assert shown.startswith(f"corpus-builder: There is no build in {name} (")


@pytest.mark.parametrize("name", ["a\x1b[2J.warc.gz", "a\n.warc.gz", "a\udcff.warc.gz", "https://h.example/a%0A%1B.warc.gz"])
def test_files_whose_names_ids_cannot_start_with_are_refused(name: str, tmp_path: Path) -> None:
    if "://" not in name:
        (tmp_path / name).write_bytes(b"")
    web = [{"name": "web", "kind": "warc", "paths": [name if "://" in name else "a*.warc.gz"]}]
    with pytest.raises(
        InputError, match=r"has control characters, or is not UTF-8; ids start with it, so rename the file"
    ) as caught:
        list(find_inputs(make_recipe(tmp_path, sources=web, release={})))
    assert not ODD.search(str(caught.value))
