"""The scanner's knowledge of HTML: elements, character references, and the words by which pages name their parts.

It is stored in hash tables that a compiled kernel can read.
"""

from __future__ import annotations

import html.entities
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Words: TypeAlias = tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]

# ---- elements ---------------------------------------------------------------------------------------------------------

# Codes of elements, used by the scanner and the features.
BODY, DIV, P, LI, TD, TH, TR, TABLE, UL, OL, DL, DT, DD, PRE, QUOTE, SECTION, ARTICLE, MAIN, NAV, ASIDE = range(1, 21)
HEADER, FOOTER, FORM, FIGURE, CAPTION, H1, H2, H3, H4, H5, H6, DETAILS, SUMMARY, ADDRESS, ROWS, OTHER = range(21, 37)
LAST_BLOCK = OTHER
# Not shown as text: their content is skipped.  RAW ones end only at their own end tag.
RAW, SKIPPED = 40, 41
A, BR, HR, IMG, INPUT, RUBY, RT, RP, RB, TITLE = range(50, 60)
BOLD, CODE = 62, 63

_ELEMENTS = {
    BODY: "body",
    DIV: "div center",
    P: "p",
    LI: "li",
    TD: "td",
    TH: "th",
    TR: "tr",
    TABLE: "table",
    UL: "ul menu dir",
    OL: "ol",
    DL: "dl",
    DT: "dt",
    DD: "dd",
    PRE: "pre listing xmp",
    QUOTE: "blockquote",
    SECTION: "section",
    ARTICLE: "article",
    MAIN: "main",
    NAV: "nav",
    ASIDE: "aside",
    HEADER: "header",
    FOOTER: "footer",
    FORM: "form",
    FIGURE: "figure",
    CAPTION: "figcaption caption",
    H1: "h1",
    H2: "h2",
    H3: "h3",
    H4: "h4",
    H5: "h5",
    H6: "h6",
    DETAILS: "details",
    SUMMARY: "summary",
    ADDRESS: "address",
    ROWS: "tbody thead tfoot colgroup",
    OTHER: "fieldset legend hgroup search dialog",
    RAW: "script style noscript iframe noembed noframes textarea",
    SKIPPED: "svg select template button math audio video canvas object datalist",
    A: "a",
    BR: "br",
    HR: "hr",
    IMG: "img",
    INPUT: "input",
    RUBY: "ruby",
    RT: "rt",
    RP: "rp",
    RB: "rb rtc",
    TITLE: "title",
    BOLD: "b strong",
    CODE: "code kbd samp tt",
}

# ---- words in class, id, role and itemprop ------------------------------------------------------------------------------

# One bit per group.  Words are runs of letters in these attributes, in lower case; Japanese sites often use romaji.
HINTS = {
    "content": "content contents main maincontent maincontents honbun text txt articlebody entrybody postbody bodytext naiyou naiyo "
    "maintext articletext newsbody kijibody mainbody wysiwyg richtext prose markdown mw parser output wikibody",
    "article": "article entry post story kiji blog single news topic hentry blogposting newsarticle detail details shosai page",
    "title": "title headline heading ttl midashi subject h1 pagetitle entrytitle posttitle hdg",
    "meta": "date time byline author meta info posted published datepublished datemodified update updated hiduke day data postmeta "
    "timestamp writer credit",
    "nav": "nav menu navi gnav gnavi lnav lnavi navigation breadcrumb breadcrumbs topicpath topicspath pankuzu crumb crumbs pan pager "
    "pagination paging pagetop skip globalnav localnav navbar submenu sitemap tab tabs bread pagenavi path globalmenu",
    "toc": "toc mokuji outline contentslist",
    "side": "side sidebar aside widget widgets left right sub column subcolumn secondary sidemenu sidenav complementary plugin extra",
    "header": "header head hd logo masthead globalheader banner top siteheader hdr description blogtitle",
    "footer": "footer foot ft copyright copy contentinfo globalfooter sitefooter bottom btm legal",
    "related": "related relation kanren osusume recommend recommended recommendation ranking rank popular recent latest archive "
    "archives pickup more next prev previous other others access history similar newest trend",
    "share": "share social sns twitter facebook hatena line bookmark like likes follow button btn btns buttons tweet pocket feedly "
    "subscribe addthis",
    "ad": "ad ads advert advertisement adsense sponsor sponsored affiliate promo promotion pr adslot dfp gpt banners campaign",
    "comment": "comment comments review reviews reply replies trackback trackbacks bbs res respond thread message voice kuchikomi",
    "tag": "tag tags category categories cat keyword keywords label labels genre",
    "caption": "caption photo image img figure thumb thumbnail picture gallery slide slider carousel",
    "list": "list lists index items link links item card cards grid ichiran",
    "box": "cookie modal popup hidden none notice consent login signup register search form overlay dialog banner alert profile prof "
    "contact inquiry toiawase subscribe newsletter mailmagazine",
    "lead": "lead summary intro introduction abstract excerpt lede dek digest gaiyo gaiyou",
    "answer": "faq question answer qa answers bestanswer chiebukuro",
    "product": "product products shop price cart spec specs goods sku item shouhin syouhin buy order",
}
HINT_BITS = {name: bit for bit, name in enumerate(HINTS)}

# Bits of an element's attributes besides the hints.
HIDDEN = 1 << 30

# ---- words in short texts -----------------------------------------------------------------------------------------------

# Phrases in the boilerplate around articles; ours, collected from pages of many kinds.  One bit per group.
PHRASES = {
    "navigate": "次へ 前へ 戻る もどる トップへ 一覧 ページの先頭 ページトップ ホーム サイトマップ メニュー 次のページ 前のページ 次の記事 前の記事 目次 続きを読む もっと見る 詳細を見る "
    "もっと読む 続きはこちら 上へ Home TOP Next Prev next prev Top Menu HOME » « ページ先頭 ナビゲーション スキップ 本文へ 目次へ 索引 こちら",
    "share": "シェア ツイート ブックマーク フォロー いいね Tweet Share share Facebook Twitter LINE はてな Pocket 印刷 共有 送る メルマガ RSS 購読 LINEで つぶやく 登録 Follow "
    "フィード ポスト コピー 保存",
    "meta": "投稿日 公開日 更新日 最終更新 掲載日 投稿者 作成日 年月日 文／ 取材・ 編集部 Posted posted 著者 執筆 ライター 提供： 配信 撮影 記者 出典 カテゴリ タグ Tags 分類 閲覧 "
    "キーワード ジャンル 所要 コメント数 更新 By by 発売日",
    "related": "関連記事 関連 おすすめ オススメ ランキング 人気 最新 最近の 新着 アーカイブ あわせて読みたい 合わせて読みたい ピックアップ バックナンバー PR 広告 スポンサー 注目 特集 "
    "月別 過去の カレンダー プロフィール リンク集 Related Recommend 関連する 閲覧履歴 類似 ほかの その他の記事 こちらも 併せて",
    "comment": "コメントを コメントする コメント欄 トラックバック 名前 メールアドレス パスワード ログイン 会員登録 新規登録 検索 送信 投稿する 返信 レビューを書く 質問する ログアウト "
    "マイページ アカウント Comment comment Login 入力 必須 カート かごに 購入 注文 お気に入り 報告 違反 通報",
    "legal": "Copyright copyright © Rights reserved Reserved 無断転載 禁じ 著作権 利用規約 個人情報 プライバシー 会社概要 お問い合わせ お問合せ 免責 特定商取引 Powered Cookie クッキー "
    "運営会社 ヘルプ 規約 ポリシー 商標 License All",
}
PHRASE_BITS = {name: bit for bit, name in enumerate(PHRASES)}
MAX_PHRASE_BYTES = 36

# ---- tables -------------------------------------------------------------------------------------------------------------

_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


def fnv(data: bytes) -> int:
    """The 64-bit FNV-1a hash, which the kernels compute byte by byte."""
    value = _OFFSET
    for octet in data:
        value = (value ^ octet) * _PRIME & _MASK
    return value


def word_table(words: Mapping[bytes, int]) -> Words:
    """Keys and values of an open-addressing hash table; its length is a power of two, at most a quarter is used, and key 0 means empty."""
    size = 64
    while size < 4 * len(words):
        size *= 2
    keys, values = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.int64)
    for word, value in words.items():
        key = fnv(word)
        slot = (key ^ key >> 32) & (size - 1)
        while keys[slot]:
            slot = (slot + 1) & (size - 1)
        keys[slot], values[slot] = key, value
    return keys, values


class Tables(NamedTuple):
    """The lookup tables of the kernels."""

    tags: Words
    hints: Words
    entities: Words
    entity_points: npt.NDArray[np.int32]
    windows: npt.NDArray[np.int32]
    classes: npt.NDArray[np.uint8]
    phrases: Words
    phrase_starts: npt.NDArray[np.bool_]


@cache
def tables() -> Tables:
    """All tables, built once."""
    tags = {name.encode(): number for number, names in _ELEMENTS.items() for name in names.split()}
    hints: dict[bytes, int] = {}
    for name, words in HINTS.items():
        for word in words.split():
            hints[word.encode()] = hints.get(word.encode(), 0) | 1 << HINT_BITS[name]
    phrases: dict[bytes, int] = {}
    starts = np.zeros(0x10000, dtype=np.bool_)
    for name, words in PHRASES.items():
        for word in words.split():
            phrases[word.encode()] = phrases.get(word.encode(), 0) | 1 << PHRASE_BITS[name]
            starts[ord(word[0])] = True
    entities, points = _entities()
    windows = np.arange(256, dtype=np.int32)
    for code in range(0x80, 0xA0):
        windows[code] = ord(bytes([code]).decode("cp1252", "ignore") or chr(code))
    return Tables(
        word_table(tags),
        word_table(hints),
        word_table(entities),
        points,
        windows,
        _classes(),
        word_table(phrases),
        starts,
    )


def _entities() -> tuple[dict[bytes, int], npt.NDArray[np.int32]]:
    """Names (including the ; where required) to rows of one or two code points."""
    names = html.entities.html5
    points = np.zeros((len(names), 2), dtype=np.int32)
    for row, text in enumerate(names.values()):
        points[row, : len(text)] = [ord(letter) for letter in text]
    return {name.encode(): row for row, name in enumerate(names)}, points


# Classes of code points below U+10000; the others are letters (kanji) from U+20000 and symbols below.
OTHER_CHAR, LATIN, DIGIT, HIRAGANA, KATAKANA, KANJI, STOP, COMMA, BRACKET, DROPPED, SPACE = range(11)


def _classes() -> npt.NDArray[np.uint8]:
    table = np.zeros(0x10000, dtype=np.uint8)
    for code in range(0x30, 0x3A):
        table[code] = table[code + 0xFEE0] = DIGIT
    for code in (*range(0x41, 0x5B), *range(0x61, 0x7B)):
        table[code] = table[code + 0xFEE0] = LATIN
    table[0xC0:0x2000] = LATIN
    table[0x3041:0x3097] = HIRAGANA
    table[0x30A1:0x30FB] = table[0x30FC] = table[0xFF66:0xFFA0] = KATAKANA
    table[0x3400:0x4DC0] = table[0x4E00:0xA000] = table[0xF900:0xFB00] = table[0x3005:0x3008] = KANJI
    for letter in "。！？!?｡":
        table[ord(letter)] = STOP
    for letter in "、，､":
        table[ord(letter)] = COMMA
    for letter in "「」『』（）()【】[]〈〉《》":
        table[ord(letter)] = BRACKET
    # Zero-width space and joiners, direction marks, byte order mark, soft hyphen: invisible characters.
    for code in (0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E):
        table[code] = DROPPED
    for code in (0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000):
        table[code] = SPACE
    return table
