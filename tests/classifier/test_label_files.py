"""Label files of both kinds give the same documents, and what is wrong with one is said in a sentence."""

import json
from pathlib import Path

import pytest

from corpus_builder import InputError, Labelled
from corpus_builder.classifier.labels import read_labels

ROWS = [
    {
        "id": "a",
        "host": "A.example",
        "source": "web",
        "text": "猫は\n眠る",
        "labels": {"quality": 1, "topic": "animals"},
        "by": "hand",
    },
    {"id": "b", "url": "https://b.example:80/x", "text": "激安\t通販", "labels": {"quality": 0}, "weight": 2.5},
]
WANTED = (
    Labelled("猫は\n眠る", {"quality": 1.0, "topic": "animals"}, "a", "a.example", "web", "hand"),
    Labelled("激安\t通販", {"quality": 0.0}, "b", "b.example", weight=2.5),
)


def test_json_lines_and_tables_say_the_same(tmp_path: Path) -> None:
    lines, table = tmp_path / "labels.jsonl", tmp_path / "labels.tsv"
    lines.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    table.write_text(
        "id\thost\turl\tsource\ttext\tquality\ttopic\tby\tweight\n"
        'a\tA.example\t\tweb\t"猫は\n眠る"\tyes\tanimals\thand\t\n'
        'b\t\thttps://b.example:80/x\t\t"激安\t通販"\t0\t\t\t2.5\n',
        encoding="utf-8",
    )
    assert read_labels([lines]).rows == read_labels([table]).rows == WANTED


def test_texts_come_from_the_sample_that_was_labelled(tmp_path: Path) -> None:
    sample, labels = tmp_path / "sample.jsonl", tmp_path / "labels.tsv"
    sample.write_text("".join(json.dumps({**row, "labels": {}}) + "\n" for row in ROWS), encoding="utf-8")
    labels.write_text("id\tquality\nb\t0\na\t1\nz\t1\n", encoding="utf-8")
    found = read_labels([labels, sample])
    assert [(row.id, row.text, row.host, row.labels) for row in found.rows] == [
        ("b", "激安\t通販", "b.example", {"quality": 0.0}),
        ("a", "猫は\n眠る", "a.example", {"quality": 1.0}),
    ]
    assert (found.bad_rows, found.unlabelled) == (1, 2)
    assert found.complaints == (f"{labels}, line 4: it has no text, and no file given here has a text under its id 'z'.",)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))."),
        ("[1]", "a JSON object is wanted."),
        ('{"text": "猫", "labels": [1]}', "`labels` is [1] where an object of properties is wanted."),
        ('{"text": "猫", "labels": {"quality": [1]}}', "a label or weight cannot be used: [1] is neither a number nor a name."),
        ('{"text": "猫", "labels": {"quality": NaN}}', "a label or weight cannot be used: nan is not a finite number."),
        ('{"text": "猫", "labels": {"quality": 1}, "weight": -1}', "its weight is -1.0, where a number above 0 is wanted."),
        ('{"text": "猫", "labels": {"quality": 1}, "weight": 0}', "its weight is 0.0, where a number above 0 is wanted."),
        ('{"text": 5, "labels": {"quality": 1}}', "`text` is 5, not a text."),
        ('{"labels": {"quality": 1}}', "it has neither text nor id."),
    ],
)
def test_a_bad_row_is_counted(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(ROWS[0]) + f"\n{line}\n", encoding="utf-8")
    found = read_labels([path])
    assert (found.rows, found.bad_rows, found.complaints) == (WANTED[:1], 1, (f"{path}, line 2: {complaint}",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "neither JSON lines nor a tab-separated table"),
        ("text\ttext\n猫\t犬\n", "neither JSON lines nor a tab-separated table"),
        ("text\tquality\n猫\n", "holds no row that can be used .* it has 1 columns where the header has 2"),
        ('text\tquality\n"猫\t1\n', "not a tab-separated table"),
        ('{"text": "猫"}\n', "no text with a label"),
        ("\x93\x94", "not UTF-8"),
    ],
)
def test_a_file_that_gives_nothing_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "labels.tsv"
    path.write_bytes(content.encode("latin-1" if "\x93" in content else "utf-8"))
    with pytest.raises(InputError, match=message):
        read_labels([path])


def test_files_are_named_without_their_folders(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "labels.jsonl" for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(json.dumps(ROWS[0]) + "\n", encoding="utf-8")
    assert list(read_labels(paths).digests) == ["labels.jsonl", "labels.jsonl (2)"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"The labels .*none\.tsv cannot be read: No such file"):
        read_labels([tmp_path / "none.tsv"])
