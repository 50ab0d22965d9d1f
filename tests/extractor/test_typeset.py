"""Kept blocks as text: Japanese typesetting, plain and as Markdown."""

import numpy as np
import pytest

from corpus_builder.extractor.scan import scan
from corpus_builder.extractor.typeset import markdown, plain_text, unwrapped


def plain(page: str) -> str:
    found = scan(page.encode())
    return plain_text(found, np.ones(len(found.blocks), dtype=np.bool_))


def marked(page: str) -> str:
    found = scan(page.encode())
    return markdown(found, np.ones(len(found.blocks), dtype=np.bool_))


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<h2>題</h2><p>一段落目。<p>二段落目。", "題\n一段落目。\n二段落目。"),
        ("<ul><li>一<ol><li>二</ol><li>三</ul>", "一\n二\n三"),
        ("<table><caption>表</caption><tr><th>色<th>数<tr><td>白<td>2</table>", "表\n色\t数\n白\t2"),
        (
            "<table><tr><td>左の欄<td>ここは文章です。だから一行になります。<td>右</table>",
            "左の欄\nここは文章です。だから一行になります。\n右",
        ),
        ("<table><tr><td><h2>春の歌</h2>春が来た<br><br>花が咲く<td>余白</table>", "春の歌\n春が来た\n花が咲く\n余白"),
        ("<table><tr><td><p>色<td><p>白</table>", "色\t白"),
        ("<table><tr><td><table><tr><td>中1<td>中2</table><td>外</table>", "中1\t中2\n外"),
        ("<dl><dt>問い<dd>答え</dl>", "問い\n答え"),
        ("<pre>for x in y:\n    print(x)</pre>", "for x in y:\n    print(x)"),
        ("<div style='writing-mode:vertical-rl'><p>縦に<span class='tcy'>12</span>月と書く。", "縦に12月と書く。"),
        ("<p>①㈱ｱｲｳ㌔ＡＢＣ～−", "①㈱ｱｲｳ㌔ＡＢＣ～−"),
    ],
)
def test_plain_text(page: str, text: str) -> None:
    assert plain(page) == text


def test_only_kept_blocks_are_set() -> None:
    found = scan("<p>一<p>二<table><tr><td>三<td>四<td>五</table>".encode())
    assert plain_text(found, np.array([True, False, True, False, True])) == "一\n三\t五"
    assert plain_text(found, np.zeros(5, dtype=np.bool_)) == ""


WRAPPED = (
    "メールマガジンの本文は、このように一行を三十文字ほどの決まった幅で<br>"
    "折り返してあることが多く、そのまま使うと文の途中に改行が入ってしま<br>"
    "います。そこで、行がどれも同じくらい長いときにかぎり、前の行と次の<br>"
    "行とをつなぎます。\n<br>短い行はつなぎません。"
)


def test_lines_wrapped_by_hand_are_joined_without_spaces() -> None:
    assert plain(f"<p>{WRAPPED}") == (
        "メールマガジンの本文は、このように一行を三十文字ほどの決まった幅で折り返してあることが多く、そのまま使うと文の途中に改行が入ってしまいます。"
        "そこで、行がどれも同じくらい長いときにかぎり、前の行と次の行とをつなぎます。\n短い行はつなぎません。"
    )


@pytest.mark.parametrize(
    "text",
    [
        "雨ニモマケズ\n風ニモマケズ\n雪ニモ夏ノ暑サニモマケヌ\n丈夫ナカラダヲモチ\n慾ハナク\n決シテ瞋ラズ",
        "今日は朝から友だちと遠くの海まで出かけてきました\nとても楽しかったです\n帰りには駅前の店でおいしいラーメンを食べました\nまた行きたい\nおしまい",
        "住所　東京都千代田区霞が関一丁目二番三号　中央合同庁舎第四号館の八階\n電話　03-0000-0000\n交通　地下鉄の霞ケ関駅から歩いて五分",
        "",
        "一行だけ",
    ],
)
def test_verse_blogs_and_addresses_keep_their_lines(text: str) -> None:
    assert unwrapped(text) == text


def test_wrapped_english_is_joined_with_spaces() -> None:
    line = "The quick brown fox jumps over the lazy dog and runs"
    assert unwrapped("\n".join([line] * 4)) == " ".join([line] * 4)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<h1>題</h1><p>文<br>続き<h3>小見出し", "# 題\n\n文  \n続き\n\n### 小見出し"),
        ("<ul><li>一<ul><li>二<p>二の続き</ul><li>三</ul>", "- 一\n  - 二\n    二の続き\n- 三"),
        ("<ol><li>甲<li>乙</ol><p>後<ol><li>丙</ol>", "1. 甲\n2. 乙\n\n後\n\n1. 丙"),
        ("<table><tr><th>色<th>数<tr><td>白<td>2</table>", "| 色 | 数 |\n|---|---|\n| 白 | 2 |"),
        ("<table><tr><td><h1>題</h1><p>文<td>余白</table>", "# 題\n\n文\n\n| 余白 |\n|---|"),
        ("<table><tr><th>a|b<th>c</table>", "| a\\|b | c |\n|---|---|"),
        ("<pre>```</pre>", "````\n```\n````"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        ("<blockquote><p>引用<p>続き</blockquote>地", "> 引用\n>\n> 続き\n\n地"),
        ("<dl><dt>語<dd>意味</dl>", "**語**\n: 意味"),
    ],
)
def test_markdown(page: str, text: str) -> None:
    assert marked(page) == text


@pytest.mark.parametrize("page", ["あ" * 30 + "<br>", "<ul><li>あ", "<table><tr><td>あ", "<ol><li><p>あ"])
def test_setting_takes_no_more_than_its_share(page: str) -> None:
    """A megabyte of each: minutes where something is quadratic."""
    page = page * (400_000 // len(page.encode()))
    assert plain(page).count("あ") == page.count("あ") <= marked(page).count("あ")


def test_deep_tables_and_lists_take_linear_time() -> None:
    page = "<table><tr><td>" * 400 + "<li>".join(["あ"] * 20_000)
    assert plain(page).count("あ") == 20_000
