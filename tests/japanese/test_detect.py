"""Japanese is told from the languages that it is mixed up with."""

import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corpora import ENGLISH, prose
from support.paths import TESTS
from support.strategies import japanese_text

from corpus_builder import InputError
from corpus_builder.japanese.detect import MODEL, Detector, japanese_score, shipped

HERE = TESTS / "cases" / "japanese"
CASES = tomllib.loads((HERE / "detection.toml").read_text(encoding="utf-8"))["case"]
KNOWN_FAILURES = tomllib.loads((HERE / "detection_known_failures.toml").read_text(encoding="utf-8"))["case"]

JAPANESE = [
    "東京都庁、来月から窓口受付時間を変更",
    "気象庁は午前十時、関東甲信地方に大雨警報を発表した。",
    "ラーメン",
    "㈱山田商店 営業時間：午前9時～午後6時 定休日：水曜日",
    "Pythonでデータを読み込み、グラフを描画する方法を解説します。",
    "むかしむかし、あるところに、おじいさんとおばあさんがいました。",
    "株式会社見本製作所 代表取締役社長 見本太郎 売上高込み価格",
]
OTHER = [
    "我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。",
    "我們在圖書館裡看書，今天的天氣非常好，大家都很高興。",
    "北京市人民政府关于进一步加强城市规划管理工作的通知",
    "우리는 도서관에서 책을 읽었습니다. 오늘은 날씨가 매우 좋습니다.",
    "The quick brown fox jumps over the lazy dog.",
    "日本の「の」 is a particle of the Japanese language, and this sentence is an English one that explains it to a reader.",
    "中国大陆流行在广告里使用日文的「の」字，例如「鲜の每日」、「优の良品」等。",
    "Мы читали книги в библиотеке, и погода была очень хорошей.",
    "",
    "1234 5678 !!! ---",
    "😀😀😀",
]
SIMPLIFIED = "我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。孩子们放学以后去公园里玩，直到天黑才回家。"
TRADITIONAL = "我們在圖書館裡看書，今天的天氣非常好，大家都很高興。孩子們放學以後去公園裡玩，直到天黑才回家。"
KOREAN = "우리는 도서관에서 책을 읽었습니다. 오늘은 날씨가 매우 좋습니다. 아이들은 공원에서 놀았습니다."


@pytest.mark.parametrize("text", JAPANESE)
def test_japanese(text: str) -> None:
    assert japanese_score(text) >= 0.4


@pytest.mark.parametrize("text", OTHER)
def test_not_japanese(text: str) -> None:
    assert japanese_score(text) < 0.4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["label"])
def test_cases(case: dict[str, str]) -> None:
    assert (japanese_score(case["text"]) >= 0.4) == case["japanese"]


@pytest.mark.parametrize("case", KNOWN_FAILURES, ids=lambda case: case["label"])
@pytest.mark.xfail(strict=True)
def test_known_failures(case: dict[str, str]) -> None:
    assert (japanese_score(case["text"]) >= 0.4) == case["japanese"]


def test_prose_scores_high_and_falls_as_another_language_is_mixed_in() -> None:
    english = "The quick brown fox jumps over the lazy dog, then rests. "
    scores = [japanese_score(prose(1) + english * times) for times in (0, 5, 20, 80)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.95
    assert scores[-1] < 0.4


@pytest.mark.parametrize("other", [SIMPLIFIED, TRADITIONAL, KOREAN], ids=["simplified", "traditional", "korean"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_score_of_a_mixed_page_is_its_share_of_japanese(other: str, share: float) -> None:
    """Lines of one length in turns: letters decide, not which language comes first."""
    japanese = prose(2, 28).replace("\n", "")
    length = len(other)
    lines = [japanese[place * length : (place + 1) * length] if place % 4 < share * 4 else other for place in range(16)]
    assert japanese_score("\n".join(lines)) == pytest.approx(share, abs=0.12)


def test_a_text_of_any_length_scores_as_its_parts_do() -> None:
    assert japanese_score(prose(3) * 50) == pytest.approx(japanese_score(prose(3)), abs=0.01)
    assert japanese_score(ENGLISH * 50) == 0.0


@given(japanese_text())
def test_the_score_is_a_share(text: str) -> None:
    score = japanese_score(text)
    assert 0.0 <= score <= 1.0
    assert japanese_score(text) == score


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_has_a_score(text: str) -> None:
    assert 0.0 <= japanese_score(text) <= 1.0


def test_a_model_is_read_as_it_was_written() -> None:
    model = Detector(np.arange(-32768, 32768 + 4, dtype=np.int32).astype(np.int8), 0.25, -1.5)
    again = Detector.from_bytes(model.to_bytes())
    assert (again.weights.tolist(), again.scale, again.bias) == (model.weights.tolist(), 0.25, -1.5)
    assert len(shipped().to_bytes()) < 1_000_000


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "its first line"),
        (b"PK\x03\x04", "its first line"),
        (shipped().to_bytes()[:-1], "it holds 589823 weights instead of 589824"),
        (b'corpus_builder detector 1\n{"size": 4}\n1234', "'scale'"),
        (b"corpus_builder detector 1\n[]\n1234", "indices"),
    ],
)
def test_what_is_no_model_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=rf"^{MODEL} is not a model from `corpus-builder train-detector`: .*{says}"):
        Detector.from_bytes(data, MODEL)
