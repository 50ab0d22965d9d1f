"""What a recipe names beside its inputs is opened before the first page is read: what is missing or damaged costs no day."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.corpora import RULES, make_recipe

from corpus_builder import Serial, build, deduplicate, plan
from corpus_builder.duplicates.index import add
from corpus_builder.errors import CorpusError, InputError, IntegrityError, RecipeError
from corpus_builder.recipe import inputs as inputs_room
from corpus_builder.stages.extract import Extract


def damaged_index(folder: Path) -> None:
    build(make_recipe(folder, name="old"), folder / "old", Serial())
    add(folder / "index", folder / "old", engine=Serial())
    next((folder / "index").rglob("keys/*.npy")).unlink()


CASES: list[tuple[dict[str, Any], dict[str, bytes | Callable[[Path], None]], type[CorpusError], str]] = [
    ({"quality": {"ng_words": ["ng.txt"], "rules": RULES}}, {}, InputError, r"The word list .*ng\.txt cannot be read"),
    (
        {"quality": {"ng_words": ["ng.txt"], "rules": RULES}},
        {"ng.txt": b"\xff\xfe"},
        InputError,
        r"word list .*ng\.txt is not UTF-8",
    ),
    ({"quality": {"rules": [*RULES, {"hosts": ["h.txt"]}]}}, {}, InputError, r"The host list .*h\.txt cannot be read"),
    ({"quality": {"rules": [*RULES, {"ut1": "ut1"}]}}, {}, InputError, r"There is no directory .*ut1 of UT1 lists"),
    ({"quality": {"rules": [*RULES, {"filter": "not_a_module:f"}]}}, {}, RecipeError, "There is no module 'not_a_module'"),
    ({"quality": {"measures": {"own": "not_a_module:f"}, "rules": RULES}}, {}, RecipeError, "There is no module 'not_a_module'"),
    ({"extract": {"model": "m.npz"}}, {}, InputError, r"There is no model .*m\.npz"),
    (
        {"extract": {"model": "m.npz"}},
        {"m.npz": b"PK\x03\x04"},
        InputError,
        r"m\.npz is not an extractor model, or is damaged",
    ),
    ({"extract": {"extractor": "trafilatur"}}, {}, RecipeError, "Unknown extractor 'trafilatur'"),
    ({"extract": {"detector": "ngrams:d.bin"}}, {}, InputError, r"The detector's model .*d\.bin cannot be read"),
    (
        {"extract": {"detector": "ngrams:d.bin"}},
        {"d.bin": b"GIF8"},
        InputError,
        r"d\.bin is not a model from `corpus-builder train-det",
    ),
    ({"extract": {"detector": "fasttext:lid.ftz"}}, {}, InputError, r"lid\.ftz cannot be read as a fastText model"),
    (
        {"extract": {"detector": "fasttext:lid.ftz"}},
        {"lid.ftz": b"GIF8"},
        InputError,
        r"lid\.ftz cannot be read as a fastText model",
    ),
    ({"release": {"footer_keywords": "f.txt"}}, {}, InputError, r"There is no file of footer keywords .*f\.txt"),
    ({"release": {"footer_keywords": "f.txt"}}, {"f.txt": b"\xff"}, InputError, r"The footer keywords .*f\.txt cannot be read"),
    ({"release": {"edits": {"web": ["trim_foter"]}}}, {}, RecipeError, "Unknown edit 'trim_foter'; did you mean 'trim_footer'"),
    ({"release": {"edits": {"web": ["trim_footer_v1"]}}}, {}, RecipeError, "The edit trim_footer_v1 needs its keywords"),
    ({"dedup": {"index": "index"}}, {}, InputError, "There is no index"),
    ({"dedup": {"index": "index"}}, {"index": damaged_index}, IntegrityError, r"keys.*\.npy is missing or truncated"),
    (
        {
            "sources": [{"name": "web", "kind": "warc", "paths": ["web-a.warc.gz"], "counts": "c.txt"}],
            "quality": {},
            "dedup": None,
        }
        | {"release": {}},
        {},
        InputError,
        r"There is no table of counts .*c\.txt",
    ),
]


@pytest.mark.parametrize(("changes", "files", "kind", "says"), CASES, ids=[says for *_, says in CASES])
def test_no_input_is_read_before_it_is_told(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: Any, files: Any, kind: Any, says: str
) -> None:
    for name, content in files.items():
        if callable(content):
            content(inputs)
        else:
            (inputs / name).write_bytes(content)
    recipe = make_recipe(inputs, **changes)

    def read(*_: object) -> None:
        raise AssertionError("an input is read")

    monkeypatch.setattr(inputs_room, "digest_file", read)
    monkeypatch.setattr(Extract, "run", read)
    with pytest.raises(kind, match=says):
        plan(recipe, tmp_path / "out")
    with pytest.raises(kind, match=says):
        build(recipe, tmp_path / "out", Serial())
    assert not (tmp_path / "out" / "extract").exists()


def test_dedup_opens_its_index_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "猫"}\n')
    monkeypatch.setattr(inputs_room, "digest_file", lambda path: pytest.fail("an input is read"))
    with pytest.raises(InputError, match="There is no index"):
        deduplicate([tmp_path / "rows.jsonl"], tmp_path / "out", Serial(), index=tmp_path / "index")


def test_a_plan_reads_no_input(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests that are kept are used; of a file that was touched or is new nothing is known but that."""
    recipe = make_recipe(inputs)
    build(recipe, tmp_path / "out", Serial())
    shutil.copyfile(inputs / "web-b.warc.gz", inputs / "web-c.warc.gz")
    recipe = make_recipe(inputs, release={})
    (inputs / "web-a.warc.gz").touch()
    kept = (tmp_path / "out" / ".cache" / "inputs.json").read_bytes()
    monkeypatch.setattr(inputs_room, "digest_file", lambda path: pytest.fail(f"{path} is read"))
    extract, measure, *_ = plan(recipe, tmp_path / "out")
    assert extract.as_json() == {
        "stage": "extract",
        "done": 2,
        "todo": (("web-a.warc.gz", "input may change"), ("web-c.warc.gz", "new")),
        "note": "",
    }
    assert measure.todo == (("web-a.warc.gz", "documents may change"), ("web-c.warc.gz", "new"))
    assert (tmp_path / "out" / ".cache" / "inputs.json").read_bytes() == kept
    monkeypatch.undo()
    (inputs / "web-c.warc.gz").unlink()
    build(recipe, tmp_path / "out", Serial())  # the touched one is read, and is what it was
    assert [one.todo for one in plan(recipe, tmp_path / "out")] == [()] * 6


def test_a_file_that_is_written_to_while_it_is_read_is_read_again(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [inputs / "web-a.warc.gz"]
    (tmp_path / "out").mkdir()
    build(make_recipe(inputs), tmp_path / "out", Serial())

    def read(path: Path) -> str:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.write_bytes(path.read_bytes() + b"more")
        return digest

    monkeypatch.setattr(inputs_room, "digest_file", read)
    found[0].touch()
    inputs_room.digests_of(found, tmp_path / "out", Serial(), progress=False)
    assert inputs_room.kept_digests(found, tmp_path / "out") == {}
