"""The model: its files, its judgement on the labelled pages, its training."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from support.corpora import prose
from support.paths import ROOT

from corpus_builder.errors import InputError
from corpus_builder.extractor import training
from corpus_builder.extractor.features import FEATURES, NAMES, features
from corpus_builder.extractor.model import SHIPPED, kept_blocks, load_model, logits, model_digest
from corpus_builder.extractor.scan import scan
from corpus_builder.extractor.training import MARK, Example, block_texts, f1, labelled, read_examples, train
from corpus_builder.pages.charset import decode
from corpus_builder.pages.extract import Extracted, NoJapaneseText, extractor_version, japanese_extractor, named_extractor

GOLD = ROOT / "data" / "gold"
# Reached on the test half of the gold; never lowered to make a change pass.  The best mode of trafilatura has 0.88 and 0.76.
FLOOR_REAL, FLOOR_WRITTEN = 0.90, 0.82


def gold(split: str) -> list[dict[str, str]]:
    rows = [json.loads(line) for line in (GOLD / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    with tarfile.open(GOLD / "pages.tar.xz") as archive:
        bodies = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    return [row | {"html": decode(bodies[row["name"]], row["charset"]).text} for row in rows if row["split"] == split]


def test_main_text_of_unseen_hosts() -> None:
    """The 82 pages of the gold's test half: their hosts and authors are not among those that the model learned from."""
    scores: dict[bool, list[float]] = {True: [], False: []}
    for row in gold("test"):
        try:
            found = japanese_extractor(row["html"])
        except NoJapaneseText:
            found = None
        score = f1(found.text if found else "", row["text"], row.get("comments") or "")
        scores[bool(row["written"])].append(score[2])
    assert len(scores[False]) >= 60
    assert np.mean(scores[False]) >= FLOOR_REAL
    assert np.mean(scores[True]) >= FLOOR_WRITTEN


def test_no_character_of_a_kept_block_is_lost() -> None:
    for row in gold("train"):
        found = scan(row["html"].encode("utf-8", "replace"))
        kept = kept_blocks(found, load_model())
        blocks = "".join(text for text, keep in zip(block_texts(found), kept, strict=True) if keep)
        try:
            text = japanese_extractor(row["html"])
        except NoJapaneseText:
            continue
        assert "".join((text.text if text else "").split()) == "".join(blocks.split())


PAGE = (
    f"<title>題 | 場所</title><nav><a href=/>ホーム</a></nav><article><h1>題</h1><p>{prose(1)}</article><footer>(C) 場所</footer>"
)


def test_the_extractor_on_a_plain_page() -> None:
    found = japanese_extractor(PAGE)
    assert found is not None
    assert found.title == "題 | 場所"
    assert prose(1).replace("\n", "") in found.text
    assert "ホーム" not in found.text


def test_readings_and_markdown_are_options() -> None:
    page = f"<article><h1>話</h1><p>{prose(2)}</p><p>この<ruby>漢字<rt>かんじ</rt></ruby>を読む人がいる。</p></article>"
    plain, rich = named_extractor("japanese")(page, None), named_extractor("japanese", "markdown", readings=True)(page, None)
    assert plain is not None
    assert rich is not None
    assert "この漢字を読む人がいる。" in plain.text.split("\n")
    assert "この漢字（かんじ）を読む人がいる。" in rich.text.split("\n")
    assert "# 話" in rich.text


def test_a_row_of_a_table_stays_whole() -> None:
    rows = "".join(
        f"<tr><th>{name}</th><td>{much}</td></tr>"
        for name, much in (("豚バラ肉", "200g"), ("大根", "1/4本"), ("味噌", "大さじ4"))
    )
    found = japanese_extractor(
        "<title>豚汁のレシピ</title><nav><ul><li><a href=/>トップ</a></li><li><a href=/r>レシピ</a></li></ul></nav><h1>具だくさんの豚汁</h1>"
        f"<p class=date>2020年1月3日</p><p>寒い日にぴったりの、野菜がたっぷり入った豚汁です。</p><h2>材料（4人分）</h2><table>{rows}</table>"
        "<h2>作り方</h2><ol><li>野菜を食べやすい大きさに切ります。</li><li>鍋に油をひき、豚肉を炒めます。</li></ol><footer>© 台所</footer>"
    )
    assert found is not None
    assert [line for line in found.text.split("\n") if "\t" in line] == ["豚バラ肉\t200g", "大根\t1/4本", "味噌\t大さじ4"]


def test_a_page_without_japanese_and_one_without_text() -> None:
    with pytest.raises(NoJapaneseText):
        japanese_extractor("<p>English only")
    menu = "".join(f"<li><a href=/{n}>お知らせの一覧</a></li>" for n in range(40))
    assert japanese_extractor(f"<ul id=nav>{menu}</ul>") is None


def test_features_have_names_and_are_finite() -> None:
    rows = features(scan(PAGE.encode()))
    assert rows.shape == (4, FEATURES)
    assert len(set(NAMES)) == FEATURES
    assert np.isfinite(rows).all()
    assert features(scan(b"")).shape == (0, FEATURES)


def test_models_are_known_by_their_bytes_and_damaged_ones_are_named(tmp_path: Path) -> None:
    copy = tmp_path / "copy.npz"
    load_model().save(copy)
    assert (logits(features(scan(PAGE.encode())), load_model(copy)) == logits(features(scan(PAGE.encode())), load_model())).all()
    assert extractor_version("japanese") == f"japanese 1 {model_digest()}"
    whole = copy.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    np.save(tmp_path / "array.npy", np.zeros(3))
    damaged = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "flipped": bytes(flipped),
        "array": (tmp_path / "array.npy").read_bytes(),
    }
    for name, content in damaged.items():
        (tmp_path / f"{name}.npz").write_bytes(content)
        with pytest.raises(InputError, match="is damaged"):
            named_extractor("japanese", model=tmp_path / f"{name}.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK no archive")
    np.savez(tmp_path / "other.npz", **{name: np.zeros(3) for name in vars(load_model())})
    for path, words in (
        (tmp_path / "none.npz", "There is no model"),
        (broken, "is not an extractor model"),
        (tmp_path / "other.npz", "train it again"),
    ):
        with pytest.raises(InputError, match=words):
            load_model(path)
    assert SHIPPED.stat().st_size < 100_000


def test_labels() -> None:
    page = "<nav>案内</nav><h1>題</h1><p>これは本文の段落で、残るはずです。<p>これは広告ですから消えます。<p>案内</p>"
    found, shares = labelled(Example(page, "題\nこれは本文の段落で、残るはずです。\n案内"))
    assert dict(zip(block_texts(found)[1:], shares[1:].tolist(), strict=True)) == {
        "題": 1, "これは本文の段落で、残るはずです。": 1, "これは広告ですから消えます。": 0, "案内": 1,
    }  # fmt: skip
    assert shares[0] == 0
    _, marks = labelled(Example(f"<p>一<p>{MARK}二", None))
    assert marks.tolist() == [0, 1]


def test_f1() -> None:
    assert f1("", "") == (1, 1, 1)
    assert f1("あいうえお", "") == (0, 0, 0)
    assert f1("あいうえおか", "あいうえおかき") == (1, pytest.approx(2 / 3), pytest.approx(0.8))
    assert f1("あいうえお余計な注", "あいうえお", "余計な注釈")[0] == pytest.approx(1 / 5)
    assert f1("| あ | いうえお |", "あいうえお")[2] == 1


def test_training_is_repeatable_and_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "EPOCHS", 8)
    pages = [
        Example(
            f"<div class=nav><a href=/>場所{n}</a><a href=/2>案内</a></div><div class=text><p>{MARK}{prose(n)}</p></div>", None
        )
        for n in range(60)
    ]
    first, second = train(pages), train(pages)
    assert all((one == other).all() for one, other in zip(vars(first).values(), vars(second).values(), strict=True))
    found = scan(pages[0].html.replace(MARK, "").encode())
    assert kept_blocks(found, first).tolist() == [False, True]
    with pytest.raises(InputError, match="no page"):
        train([])


def test_examples_that_are_none_are_named(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    for line in (
        '{"text": "b"}',
        '{"html": 5}',
        '{"html": "", "text": 5}',
        '{"html": "", "weight": 0}',
        '{"html": "", "weight": NaN}',
        "[",
    ):
        path.write_text(f'{{"html": "<p>a", "text": "a"}}\n{line}\n')
        with pytest.raises(InputError, match="line 2"):
            list(read_examples(path))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_examples(tmp_path / "none.jsonl"))


def test_an_extractor_has_a_result() -> None:
    assert japanese_extractor(f"<p>{prose(3)}") == Extracted("", prose(3).replace("\n", ""), main_text_fraction=1.0)
