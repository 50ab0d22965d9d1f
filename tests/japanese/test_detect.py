"""Japanese is told from the languages that it is mixed up with."""

import pytest
from conftest import prose
from hypothesis import given
from strategies import japanese_text

from corpus_builder.japanese.detect import japanese_score

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


@pytest.mark.parametrize("text", JAPANESE)
def test_japanese(text: str) -> None:
    assert japanese_score(text) >= 0.4


@pytest.mark.parametrize("text", OTHER)
def test_not_japanese(text: str) -> None:
    assert japanese_score(text) < 0.4


def test_prose_scores_high_and_falls_as_another_language_is_mixed_in() -> None:
    english = "The quick brown fox jumps over the lazy dog, then rests. "
    scores = [japanese_score(prose(1) + english * times) for times in (0, 5, 20, 80)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.95
    assert scores[-1] < 0.4


@given(japanese_text())
def test_the_score_is_a_share_and_does_not_depend_on_repetition(text: str) -> None:
    score = japanese_score(text)
    assert 0.0 <= score <= 1.0
    assert japanese_score(text) == score
