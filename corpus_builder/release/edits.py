"""The final edits of a text before its release: str -> str."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from corpus_builder.errors import RecipeError, did_you_mean

FOOTER_LINES = 10
FOOTER_SHARE = 0.3

_JAPANESE_BEFORE = "）」』］〕】〉》\u3041-\u3096\u30a1-\u30fa々〇〻\u3400-\u9fff\uf900-\ufaff"
_PAIRS = (("、", "，"), ("。", "．"))


def normalize_punctuation_v1(text: str) -> str:
    """Write 、。 if the document mostly uses ，．.  Toten and kuten are decided separately, each by counting runs.

    A run counts if it follows a Japanese letter or a closing bracket.  If the Western form has more runs, every run of it is
    replaced mark for mark, except after a full-width digit, a full-width Latin letter or ^, and at the very start.
    Source: Swallow corpus v1.

    >>> normalize_punctuation_v1("今日は，晴れ．明日は，雨．")
    '今日は、晴れ。明日は、雨。'
    >>> normalize_punctuation_v1("値は３．１４です。")
    '値は３．１４です。'
    """
    for japanese, western in _PAIRS:
        if western not in text:
            continue
        ours, theirs = (len(re.findall(f"[{_JAPANESE_BEFORE}]{mark}+", text)) for mark in (japanese, western))
        if theirs > ours:
            runs = re.compile(f"(?<=[^０-９Ａ-Ｚａ-ｚ^{western}]){western}+")
            text = runs.sub(lambda run, mark=japanese: mark * len(run[0]), text)  # type: ignore[misc]
    return text


def trim_footer_v1(text: str, keywords: Sequence[str]) -> str:
    """Cut the text off at the first footer among its last ten lines.

    A line is a footer if deleting the keywords one after the other, longest first, removes more than
    0.3 of its letters.  Keywords of equal length go in the order given.  Source: Swallow corpus v1, whose keywords are as
    generic as 記事 and 検索, so it cuts good lines too; `trim_footer` is more careful.

    >>> trim_footer_v1("よい文章です。\\nプライバシーポリシー | お問い合わせ", ["プライバシーポリシー", "問い合わせ"])
    'よい文章です。'
    """
    lines = text.split("\n")
    ordered = sorted(keywords, key=len, reverse=True)
    for place in range(max(len(lines) - FOOTER_LINES, 0), len(lines)):
        rest = lines[place]
        for keyword in ordered:
            rest = rest.replace(keyword, "")
        if len(lines[place]) - len(rest) > FOOTER_SHARE * len(lines[place]):
            return "\n".join(lines[:place])
    return text


_FOOTER = re.compile(
    r"""
      ^\W*(?:copyright\b|©|\(c\)\s*\d{4}|（c）).*$         # a copyright notice
    | ^.{0,80}\ball\ rights?\ reserved\b.{0,20}$
    | ^.{0,40}無断(?:転載|複製|使用).{0,30}(?:禁|お断り).{0,12}$   # "no reproduction without permission"
    | ^\W*(?:powered\ by|sponsored\ links?|sponsored)\b.{0,40}$
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MENU_WORDS = """
    この記事へのトラックバック一覧 特定商取引法に基づく表記 特定商取引法 プライバシーポリシー 個人情報保護方針 このサイトについて サイトポリシー サイト利用規約 ご利用規約
    利用規約 トラックバック サイトマップ サイト内検索 トップページ 新規会員登録 会員登録 管理者ページ 運営会社
    会社概要 会社案内 お問い合わせ 問い合わせ 一覧を見る 一覧へ ページトップへ ページの先頭へ トップへ戻る
    固定リンク マイページ ログイン ログアウト 広告掲載 新規登録 最近の記事 最近記事 関連記事
    詳細表示 資料請求 ホーム ヘルプ リンク集 前の記事 次の記事 前へ 次へ
    コメントを書く コメント一覧 コメント ツイート シェア いいね！ いいね フォロー Twitter
    Facebook LINE RSS
""".split()  # noqa: SIM905
_MENU_WORD = re.compile("|".join(map(re.escape, sorted(_MENU_WORDS, key=len, reverse=True))), re.IGNORECASE)
_BETWEEN = re.compile(r"[\s|｜/／・>＞»«<＜\[\]【】()（）:：,，、\-–—＋+\d]+")


def trim_footer(text: str) -> str:
    """Remove lines from the end as long as the last one is a copyright notice or consists only of menu words.

    Unlike v1's rule it looks only at the last line, repeatedly, and ignores menu words inside a sentence, so the end of a good
    text stays.  Idempotent.  Ours; the words are menu labels of Japanese sites.

    >>> trim_footer("検索の仕組みを調べた。\\n\\n前の記事 | 次の記事\\n© 2024 example")
    '検索の仕組みを調べた。'
    """
    lines = text.split("\n")
    while lines and (not lines[-1].strip() or _is_footer(lines[-1].strip())):
        lines.pop()
    return "\n".join(lines)


def _is_footer(line: str) -> bool:
    if len(line) > 200:
        return False
    if _FOOTER.match(line):
        return True
    return bool(_MENU_WORD.search(line)) and not _BETWEEN.sub("", _MENU_WORD.sub("", line))


Edit = Callable[[str], str]
EDITS: dict[str, int] = {"normalize_punctuation_v1": 1, "trim_footer_v1": 1, "trim_footer": 1}
"""The edits that a recipe can name, and the version of each, which is raised when its result changes."""


def named_edit(name: str, *, footer_keywords: Sequence[str] = ()) -> Edit:
    """The edit with this name; raises RecipeError if there is none, or if trim_footer_v1 has no keywords."""
    if name == "trim_footer_v1":
        if not footer_keywords:
            raise RecipeError(
                'The edit trim_footer_v1 needs its keywords; name their file: release.footer_keywords = "../data/words/footer_v1.txt".'
            )
        return partial(trim_footer_v1, keywords=tuple(footer_keywords))
    if name not in EDITS:
        raise RecipeError(f"Unknown edit {name!r}{did_you_mean(name, EDITS)} (edits: {', '.join(EDITS)}).")
    return {"normalize_punctuation_v1": normalize_punctuation_v1, "trim_footer": trim_footer}[name]


def edit_version(name: str) -> int:
    """Version of an edit, for the digest of a shard; raises RecipeError if there is no edit with this name."""
    named_edit(name, footer_keywords=("",))
    return EDITS[name]
