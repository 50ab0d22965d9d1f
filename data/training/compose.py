"""Composes web pages in the style of Japanese sites, with known main text, as training data for the extractor's model.

Real pages with boilerplate and a free licence hardly exist, so their structure is generated here: portals, blogs, shops, boards,
municipal pages and pages laid out with tables, from randomly drawn parts, filled with free Japanese texts.
A page depends only on its number.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

MARK = "\ue000"  # precedes every piece of main text; occurs in no page

# ---- boilerplate phrases -------------------------------------------------------------------------------------------

MENU = [
    "ホーム",
    "トップページ",
    "ニュース",
    "ブログ",
    "会社概要",
    "サービス",
    "採用情報",
    "お問い合わせ",
    "アクセス",
    "商品一覧",
    "特集",
    "コラム",
    "政治",
    "経済",
    "社会",
    "国際",
    "スポーツ",
    "芸能",
    "エンタメ",
    "IT",
    "科学",
    "生活",
    "グルメ",
    "旅行",
    "映画",
    "音楽",
    "ゲーム",
    "アニメ",
    "本",
    "健康",
    "美容",
    "ファッション",
    "住まい",
    "子育て",
    "教育",
    "仕事",
    "お金",
    "写真",
    "動画",
    "地域",
    "天気",
    "占い",
    "初心者の方へ",
    "ご利用案内",
    "よくある質問",
    "サイトマップ",
    "資料請求",
    "ログイン",
    "会員登録",
    "マイページ",
    "カート",
    "くらしの情報",
    "観光",
    "市政情報",
    "防災",
    "施設案内",
    "イベント",
    "組織から探す",
    "導入事例",
    "料金",
    "機能",
    "ダウンロード",
    "サポート",
    "開発者向け",
    "ドキュメント",
    "フォーラム",
    "用語集",
    "沿革",
    "プロフィール",
    "リンク集",
    "掲示板",
    "日記",
    "作品一覧",
    "更新履歴",
    "メールマガジン",
    "レシピ",
    "人気",
    "新着",
    "ランキング",
]
SHARES = [
    "ツイート",
    "シェア",
    "はてなブックマーク",
    "LINEで送る",
    "Pocket",
    "Tweet",
    "Facebook",
    "B!",
    "0",
    "12",
    "346",
    "保存",
    "印刷",
    "メールで送る",
    "フォローする",
    "RSS",
    "feedly",
    "noteで書く",
    "コピー",
    "X",
    "いいね！",
    "共有",
]
RELATED = [
    "関連記事",
    "あわせて読みたい",
    "おすすめ記事",
    "人気記事",
    "アクセスランキング",
    "最新記事",
    "新着記事",
    "最近の投稿",
    "この記事を読んだ人はこんな記事も読んでいます",
    "ピックアップ",
    "注目の記事",
    "関連するニュース",
    "編集部おすすめ",
    "週間ランキング",
    "こちらもおすすめ",
    "特集一覧",
    "トピックス",
    "最近のエントリー",
    "関連商品",
    "この商品を見た人はこちらも見ています",
    "最近チェックした商品",
    "関連ワード",
    "Related",
    "Posts",
    "Recent",
    "Posts",
    "RANKING",
    "他のニュース",
    "同じカテゴリの記事",
    "PR",
    "おすすめコンテンツ",
]
SIDE = [
    "カテゴリー",
    "アーカイブ",
    "月別アーカイブ",
    "タグクラウド",
    "プロフィール",
    "最近のコメント",
    "リンク",
    "カレンダー",
    "検索",
    "ブログ内検索",
    "メタ情報",
    "CATEGORY",
    "ARCHIVE",
    "Tags",
    "読者になる",
    "ブックマーク",
    "最新トラックバック",
    "QRコード",
]
LEGAL = [
    "当サイトに掲載の記事・写真・図表などの無断転載を禁じます。",
    "Copyright © 2019 {site} All Rights Reserved.",
    "(C) {site}",
    "本サイトの内容に関する一切の権利は{site}に帰属します。",
    "このサイトはreCAPTCHAによって保護されており、プライバシーポリシーと利用規約が適用されます。",
    "掲載されている情報は記事公開時点のものです。最新の情報とは異なる場合があります。",
    "当サイトではCookieを使用しています。サイトの閲覧を続けることで、Cookieの使用に同意したものとみなします。",
    "Powered by WordPress",
    "記載されている会社名、製品名は各社の登録商標または商標です。",
    "※価格は税込みです。予告なく変更される場合があります。",
    "JavaScriptを有効にしてご利用ください。",
    "無断複製・転載を固く禁じます",
    "Amazonのアソシエイトとして、当サイトは適格販売により収入を得ています。",
]
LEGAL_LINKS = [
    "利用規約",
    "プライバシーポリシー",
    "個人情報保護方針",
    "特定商取引法に基づく表記",
    "運営会社",
    "広告掲載について",
    "ヘルプ",
    "お問い合わせ",
    "サイトマップ",
    "著作権について",
    "推奨環境",
    "免責事項",
    "採用",
    "English",
]
PROMOTIONS = [
    "メールマガジンに登録すると、最新情報をいち早くお届けします。",
    "公式アプリなら、お気に入りの記事をあとで読むことができます。今すぐ無料でダウンロード。",
    "会員登録すると、続きをお読みいただけます。",
    "このブログをフォローして更新通知を受け取りましょう。",
    "1ヶ月無料でお試しいただけます。詳しくはこちらをご覧ください。",
    "スポンサーリンク",
    "広告",
    "いつも応援ありがとうございます。ランキングに参加しています。クリックをお願いします。",
    "この記事が気に入ったら「いいね！」しよう。最新記事をお届けします。",
    "記事の内容についてのご意見・ご感想は、下のフォームからお寄せください。",
    "期間限定キャンペーン実施中！ポイント最大10倍。",
    "無料会員登録で全文が読めます",
    "送料無料キャンペーン中。5,000円以上のお買い上げで全国どこでも送料無料です。",
    "お電話でのお問い合わせは平日10時から17時まで承ります。",
]
BIOS = [
    "{name}。フリーライター。地方紙の記者を経て独立し、暮らしと道具について書いている。",
    "都内在住の会社員です。週末に山へ行きます。読んだ本と見た映画のことを気ままに書いています。",
    "{name}（編集部）。パソコン雑誌の編集を経て現職。趣味は自転車と写真です。",
    "3人の子どもを育てながら、毎日のごはんを記録しています。簡単で体にやさしいレシピが中心です。",
    "はじめまして！{name}です。お仕事の依頼はフォームからどうぞ。",
]
NAMES = [
    "山田太郎",
    "佐藤花子",
    "たけし",
    "みーこ",
    "編集部",
    "鈴木一郎",
    "名無しさん",
    "管理人",
    "中村",
    "渡辺真理",
    "konata",
    "けろっぴ",
    "田中",
    "広報課",
    "スタッフ",
    "さくら",
    "ゆう",
]
SITES = [
    "まちの新聞社",
    "くらしの窓口",
    "青空ブログ",
    "みどり市",
    "ネット工房",
    "山海堂",
    "東西ニュース",
    "デジタル通信",
    "たのしい台所",
    "ひだまり日記",
    "技術の森",
    "旅の友",
    "通販の丸井戸",
    "学びの庭",
    "音楽堂",
]
COMMENTS = [
    "とても参考になりました。ありがとうございます。",
    "はじめまして。いつも楽しく拝見しています。",
    "私も同じことで困っていました。助かりました！",
    "ちょっと違うと思います。",
    "すごいですね(^^)",
    "次の記事も楽しみにしています。",
]

# Names that sites give to their parts, in several styles, including romaji and meaningless names.
FASHIONS = [
    {
        "header": "header",
        "nav": "gnav",
        "crumb": "breadcrumb",
        "main": "main",
        "article": "entry",
        "title": "entry-title",
        "meta": "entry-meta",
        "body": "entry-content",
        "side": "sidebar",
        "widget": "widget",
        "related": "related-posts",
        "share": "sns-share",
        "footer": "footer",
        "ad": "ad-area",
        "comment": "comments",
        "bio": "author-box",
        "pager": "pager",
        "toc": "toc_container",
        "lead": "lead",
    },
    {
        "header": "hd",
        "nav": "globalNavi",
        "crumb": "topicPath",
        "main": "contents",
        "article": "article",
        "title": "headline",
        "meta": "date",
        "body": "articleBody",
        "side": "sub",
        "widget": "box",
        "related": "relationNews",
        "share": "snsBtn",
        "footer": "ft",
        "ad": "banner",
        "comment": "commentArea",
        "bio": "profile",
        "pager": "pageNavi",
        "toc": "index",
        "lead": "leadText",
    },
    {
        "header": "l-header",
        "nav": "c-menu",
        "crumb": "pankuzu",
        "main": "l-main",
        "article": "kiji",
        "title": "ttl",
        "meta": "hiduke",
        "body": "honbun",
        "side": "l-side",
        "widget": "c-box",
        "related": "kanren",
        "share": "share",
        "footer": "l-footer",
        "ad": "pr",
        "comment": "voice",
        "bio": "writer",
        "pager": "c-pager",
        "toc": "mokuji",
        "lead": "gaiyo",
    },
    {
        "header": "top",
        "nav": "menu",
        "crumb": "path",
        "main": "container",
        "article": "post",
        "title": "post-title",
        "meta": "post-info",
        "body": "post-body",
        "side": "right",
        "widget": "module",
        "related": "recommend",
        "share": "social-buttons",
        "footer": "bottom",
        "ad": "adsense",
        "comment": "response",
        "bio": "about-me",
        "pager": "pagination",
        "toc": "outline",
        "lead": "description",
    },
    {
        "header": "site-header",
        "nav": "navigation",
        "crumb": "crumbs",
        "main": "primary",
        "article": "news-detail",
        "title": "page-title",
        "meta": "posted-on",
        "body": "text",
        "side": "secondary",
        "widget": "widget-area",
        "related": "ranking",
        "share": "bookmark",
        "footer": "site-footer",
        "ad": "sponsor",
        "comment": "review-list",
        "bio": "staff",
        "pager": "page-links",
        "toc": "contents-list",
        "lead": "summary",
    },
    {
        "header": "h",
        "nav": "n1",
        "crumb": "t2",
        "main": "wrap",
        "article": "inner",
        "title": "t1",
        "meta": "m1",
        "body": "section",
        "side": "col2",
        "widget": "unit",
        "related": "list01",
        "share": "btns",
        "footer": "f",
        "ad": "bnr",
        "comment": "block02",
        "bio": "box03",
        "pager": "p01",
        "toc": "list02",
        "lead": "txt01",
    },
]


@dataclass
class Site:
    """A page under construction: its naming style, random generator and texts."""

    chance: random.Random
    paragraphs: list[str]
    fashion: dict[str, str] = field(default_factory=dict)
    modern: bool = True
    tables: bool = False
    name: str = ""

    def some(self, words: list[str], least: int, most: int) -> list[str]:
        """A random sample of the words."""
        return self.chance.sample(words, min(len(words), self.chance.randint(least, most)))

    def one(self, words: list[Any]) -> Any:
        """One of the words, at random."""
        return self.chance.choice(words)

    def may(self, share: float) -> bool:
        """True with this probability."""
        return self.chance.random() < share

    def paragraph(self) -> str:
        """A paragraph of free text."""
        return self.one(self.paragraphs)

    def sentence(self) -> str:
        """One sentence of a paragraph."""
        return self.one([part for part in self.paragraph().split("。") if part] or ["続きがあります"]) + "。"

    def headline(self, longest: int = 34) -> str:
        """A headline, without a full stop."""
        text = self.sentence().rstrip("。")
        return text[: self.chance.randint(8, longest)]

    def box(self, part: str, content: str, tag: str = "div") -> str:
        """An element with a name for its part in this site's style, or without a name."""
        if self.may(0.15):
            content = f"<div class='{self.one(['inner', 'wrap', 'row', 'box', 'container', 'c', 'clearfix', 'module-body', 'col'])}'><div>{content}</div></div>"
        name = self.fashion.get(part, part)
        attribute = self.one(
            [f' class="{name}"', f' id="{name}"', f' class="{name} clearfix"', f' class="{name}-{self.chance.randint(1, 9)}"']
        )
        if self.may(0.12):
            attribute = ""
        inner = f"<div>{content}</div>" if self.may(0.25) else content
        return f"<{tag}{attribute}>{inner}</{tag}>\n"


def keep(text: str) -> str:
    """Text that belongs to the main text."""
    return MARK + text


# ---- parts around the main text -------------------------------------------------------------------------------------------


def link(text: str) -> str:
    """A link."""
    return f'<a href="/x/{len(text)}.html">{text}</a>'


def items(site: Site, texts: list[str], kind: str = "") -> str:
    """Links as a list, in paragraphs, in table cells, or one after another."""
    kind = kind or site.one(["ul", "ul", "ul", "ol", "div", "bars", "dl", "br"])
    if kind == "bars":
        return "<p>" + site.one([" | ", " ｜ ", "　", " / ", "&nbsp;"]).join(map(link, texts)) + "</p>"
    if kind == "div":
        return "".join(f"<div class='item'>{link(text)}</div>" for text in texts)
    if kind == "dl":
        return (
            "<dl>"
            + "".join(
                f"<dt>{site.chance.randint(1, 12)}月{site.chance.randint(1, 28)}日</dt><dd>{link(text)}</dd>" for text in texts
            )
            + "</dl>"
        )
    if kind == "br":
        return "<div>" + "<br>\n".join(f"{site.one(['・', '&raquo; ', '', '■'])}{link(text)}" for text in texts) + "</div>"
    tail = site.one(["", "", f" ({site.chance.randint(1, 99)})"])
    return f"<{kind}>" + "\n".join(f"<li>{link(text)}{tail}</li>" for text in texts) + f"</{kind}>"


def heading(site: Site, text: str, level: int) -> str:
    """A heading, as a heading element or only by its appearance."""
    return site.one(
        [
            f"<h{level}>{text}</h{level}>",
            f"<h{level}>{text}</h{level}>",
            f"<h{level} class='hdg'><span>{text}</span></h{level}>",
            f"<p class='ttl'>{text}</p>",
            f"<div class='title'><b>{text}</b></div>",
        ]
    )


def header(site: Site) -> str:
    """The site's header: its name, a description, its menu, a search box."""
    parts = [
        site.one(
            [
                f"<h1>{link(site.name)}</h1>",
                f"<p class='logo'>{link(site.name)}</p>",
                f"<div id='logo'><a href='/'><img src=l.png alt='{site.name}'></a></div>",
            ]
        )
    ]
    if site.may(0.4):
        parts.append(
            f"<p class='description'>{site.one([site.headline(), site.sentence(), site.name + 'の公式サイトです。'])}</p>"
        )
    if site.may(0.3):
        parts.append(
            items(site, site.some(["ログイン", "新規登録", "カート", "文字サイズ", "English", "ヘルプ", "サイトマップ"], 2, 5))
        )
    if site.may(0.4):
        parts.append("<form action='/s'><label>検索</label><input type=text name=q><input type=submit value='検索'></form>")
    site.chance.shuffle(parts)
    if site.may(0.2):  # a menu of menus
        groups = "".join(
            f"<li>{link(group)}<ul>" + "".join(f"<li>{link(text)}</li>" for text in site.some(MENU, 3, 10)) + "</ul></li>"
            for group in site.some(MENU, 3, 8)
        )
        parts.append(f"<nav><ul>{groups}</ul></nav>" if site.modern else f"<div><ul>{groups}</ul></div>")
    if site.may(0.9):
        menu = items(site, site.some(MENU, 4, 14), site.one(["ul", "ul", "ul", "bars", "div"]))
        parts.append(site.box("nav", menu, "nav" if site.modern and site.may(0.6) else "div"))
    return site.box("header", "".join(parts), "header" if site.modern and site.may(0.7) else "div")


def crumbs(site: Site) -> str:
    """Breadcrumbs."""
    names = [site.one(["ホーム", "TOP", "トップ", "HOME", site.name]), *site.some(MENU, 1, 2)]
    last = site.headline(20)
    if site.may(0.5):
        return site.box("crumb", "<ol>" + "".join(f"<li>{link(name)}</li>" for name in names) + f"<li>{last}</li></ol>")
    return site.box("crumb", site.one([" &gt; ", " » ", " ＞ ", " / "]).join([*map(link, names), last]))


def share(site: Site) -> str:
    """Buttons of social networks."""
    texts = site.some(SHARES, 2, 7)
    inner = (
        items(site, texts, site.one(["ul", "ul", "div", "bars"]))
        if site.may(0.7)
        else "".join(f"<span>{text}</span>" for text in texts)
    )
    return site.box("share", inner)


def meta(site: Site) -> str:
    """Date, author, category."""
    day = f"{site.chance.randint(2003, 2025)}{site.one(['年{}月{}日', '/{:02}/{:02}', '.{}.{}', '-{:02}-{:02}'])}".format(
        site.chance.randint(1, 12), site.chance.randint(1, 28)
    )
    parts = [
        site.one(
            [
                day,
                f"公開日：{day}",
                f"投稿日 {day} 10:{site.chance.randint(10, 59)}",
                f"<time>{day}</time>",
                f"更新：{day}",
                f"{day} 掲載",
            ]
        )
    ]
    if site.may(0.5):
        parts.append(site.one(["文：{}", "by {}", "投稿者：{}", "{}", "［{}］", "取材・文＝{}"]).format(site.one(NAMES)))
    if site.may(0.5):
        parts.append(site.one(["カテゴリー：", "", "タグ: ", "分類："]) + " ".join(map(link, site.some(MENU, 1, 3))))
    if site.may(0.2):
        parts.append(site.one(["コメント(0)", "コメント：3", "12,345 views", "トラックバック(0)", "約5分で読めます"]))
    inner = site.one([" ", " | ", "<br>", "</span><span>"]).join(parts)
    return site.one(
        [
            f"<p class='{site.fashion['meta']}'>{inner}</p>",
            site.box("meta", f"<span>{inner}</span>"),
            f"<ul class='{site.fashion['meta']}'><li>{'</li><li>'.join(parts)}</li></ul>",
        ]
    )


def related(site: Site) -> str:
    """Links to other pages: bare, with dates and pictures, or with the beginnings of their texts."""
    title = heading(site, site.one(RELATED), site.chance.randint(2, 4)) if site.may(0.9) else ""
    if title and site.may(0.2):
        title += f"<p>{link(site.one(['一覧を見る', 'もっと見る', '記事一覧', '&raquo;']))}</p>"
    headlines = [site.headline(60) for _ in range(site.chance.choice([3, 4, 5, 6, 8, 10, 12, 20]))]
    kind = site.chance.choices(["items", "card", "excerpt", "ranked", "headings", "dated"], [6, 3, 2, 2, 3, 2])[0]
    level = site.one(["h3", "h4", "p", "div", "span", "h2", "dd", "strong"])
    if kind == "items":
        body = items(site, headlines)
    elif kind == "card":
        whole = site.may(0.5)
        excerpt = site.may(0.6)
        cards = []
        for number, text in enumerate(headlines):
            inner = f"<img src=t.jpg><{level}>{text if whole else link(text)}</{level}>"
            if excerpt:
                inner += f"<p>{site.sentence()[: site.chance.randint(40, 160)]}{site.one(['', '…', '...', ''])}</p>"
            if site.may(0.5):
                inner += f"<p class='date'>2019.{number % 12 + 1}.3</p>"
            cards.append(
                f"<div class='card'><a href='/p/{number}'>{inner}</a></div>" if whole else f"<div class='card'>{inner}</div>"
            )
        body = "".join(cards)
    elif kind == "excerpt":
        body = (
            "<ul>"
            + "".join(
                f"<li>{link(text)}<p class='excerpt'>{site.sentence()[:60]}…</p><span>2018/4/{n + 1}</span></li>"
                for n, text in enumerate(headlines)
            )
            + "</ul>"
        )
    elif kind == "ranked":
        body = (
            "<ol>"
            + "".join(
                f"<li><span>{n + 1}位</span>{link(text)}<span>{site.one(NAMES)}</span></li>" for n, text in enumerate(headlines)
            )
            + "</ol>"
        )
    elif kind == "headings":
        body = "".join(
            f"<li><a href='/q/{n}'><figure><img src=a.jpg></figure><{level}>{text}</{level}></a></li>"
            for n, text in enumerate(headlines)
        )
        body = site.one(["<ul>{}</ul>", "<div>{}</div>"]).format(body)
    else:
        body = (
            "<dl>"
            + "".join(f"<dt>2019年4月{n + 1}日 {site.one(MENU)}</dt><dd>{link(text)}</dd>" for n, text in enumerate(headlines))
            + "</dl>"
        )
    return site.box("related", title + body, site.one(["aside", "section", "div", "div"]) if site.modern else "div")


def widget(site: Site) -> str:
    """One box of a sidebar."""
    kind = site.one(
        ["related", "list", "list", "months", "calendar", "profile", "promotion", "comments", "search", "cloud", "banner"]
    )
    title = heading(site, site.one(SIDE + RELATED[:8]), site.chance.randint(2, 5)) if site.may(0.85) else ""
    if kind == "related":
        return related(site)
    if kind == "list":
        body = items(site, site.some(MENU, 4, 15))
    elif kind == "months":
        body = items(site, [f"{2020 - n // 12}年{12 - n % 12}月" for n in range(site.chance.randint(5, 24))])
    elif kind == "calendar":
        days = [f"<td>{link(str(n)) if site.may(0.2) else n}</td>" for n in range(1, 31)]
        rows = "".join("<tr>" + "".join(days[n : n + 7]) + "</tr>" for n in range(0, 30, 7))
        body = (
            "<table><caption>2018年5月</caption><tr>"
            + "".join(f"<th>{day}</th>" for day in "日月火水木金土")
            + f"</tr>{rows}</table>"
        )
    elif kind == "profile":
        body = f"<img src=me.jpg><p>{site.one(NAMES)}</p><p>{site.one(BIOS).format(name=site.one(NAMES))}</p>" + (
            link("プロフィール詳細") if site.may(0.5) else ""
        )
    elif kind == "promotion":
        body = f"<p>{site.one(PROMOTIONS)}</p>{link('詳しくはこちら')}"
    elif kind == "comments":
        body = "<ul>" + "".join(f"<li>{link(site.headline(18))} に {site.one(NAMES)} より</li>" for _ in range(5)) + "</ul>"
    elif kind == "search":
        body = "<form><input type=text><button>検索</button></form>"
    elif kind == "cloud":
        body = " ".join(map(link, site.some(MENU, 8, 30)))
    else:
        body = "<a href='http://ad.example/'><img src=b.gif></a>" + (f"<p>{site.headline()}</p>" if site.may(0.5) else "")
    return site.box("widget", title + body, "section" if site.modern and site.may(0.2) else "div")


def sidebar(site: Site) -> str:
    """The sidebar."""
    return site.box(
        "side",
        "".join(widget(site) for _ in range(site.chance.randint(2, 7))),
        "aside" if site.modern and site.may(0.5) else "div",
    )


def footer(site: Site) -> str:
    """The page's footer."""
    parts = []
    if site.may(0.4):
        parts.append(
            "".join(
                f"<dl><dt>{site.one(MENU)}</dt>" + "".join(f"<dd>{link(text)}</dd>" for text in site.some(MENU, 3, 7)) + "</dl>"
                for _ in range(site.chance.randint(2, 5))
            )
        )
    if site.may(0.7):
        parts.append(items(site, site.some(LEGAL_LINKS, 3, 9), site.one(["ul", "bars", "div"])))
    if site.may(0.4):
        parts.append(
            f"<p>〒100-0001 東京都千代田区{site.one(['一', '二'])}丁目{site.chance.randint(1, 20)}番地<br>電話：03-0000-{site.chance.randint(1000, 9999)}（代表）　ファクス：03-0000-0000</p>"
        )
    for _ in range(site.chance.randint(1, 3)):
        parts.append(f"<{site.one(['p', 'div', 'small', 'address'])}>{site.one(LEGAL).format(site=site.name)}</p>")
    if site.may(0.5):
        parts.insert(0, f"<p class='pagetop'>{link(site.one(['ページの先頭へ', 'ページトップへ戻る', '▲上へ', 'TOP']))}</p>")
    return site.box("footer", "".join(parts), "footer" if site.modern and site.may(0.7) else "div")


def promotion(site: Site) -> str:
    """An advertisement."""
    return site.box("ad", f"<p>{site.one(PROMOTIONS)}</p>" + (f"<p>{link(site.headline())}</p>" if site.may(0.4) else ""))


def bio(site: Site) -> str:
    """The author's profile."""
    title = (
        heading(site, site.one(["この記事を書いた人", "著者プロフィール", "ライター", "プロフィール", "About"]), 4)
        if site.may(0.7)
        else ""
    )
    return site.box("bio", title + f"<p>{site.one(NAMES)}</p><p>{site.one(BIOS).format(name=site.one(NAMES))}</p>")


def leftovers(site: Site) -> str:
    """Text that templates leave in a page for scripts."""
    return site.one(
        [
            f"<div style='display:none'>{site.chance.randint(10000, 999999)} 0 {site.one(MENU)} 2019/04/11 22:22:00 2019/04/11 22:22:00 {site.headline()} /media/t.jpg</div>",
            f"<div class='hidden'><p>{site.one(PROMOTIONS)}</p></div>",
            f"<p>{link('印刷')} 文字サイズ {link('小')} {link('中')} {link('大')}</p>",
            f"<div class='modal'><p>{site.one(['この機能を使うにはログインしてください。', '通報しました。', 'お気に入りに追加しました。', '画像を拡大して表示する'])}</p><button>閉じる</button></div>",
            f"<ul><li>{link('前の記事')}</li><li>{link('一覧へ戻る')}</li><li>{link('次の記事')}</li></ul>",
        ]
    )


def comment_form(site: Site) -> str:
    """The comment form."""
    return site.box(
        "comment",
        heading(site, site.one(["コメントを残す", "コメントを書く", "コメント", "この記事へのトラックバック"]), 3)
        + f"<form><p>{site.one(['メールアドレスが公開されることはありません。 * が付いている欄は必須項目です', 'コメントは承認されるまで表示されません。', 'ログインするとコメントできます。'])}</p>"
        "<label>名前</label><input type=text><label>メールアドレス</label><input type=text><textarea></textarea><input type=submit value=送信></form>",
    )


def pager(site: Site) -> str:
    """Links to the previous and next page."""
    if site.may(0.5):
        return site.box("pager", items(site, ["« " + site.headline(), site.headline() + " »"], site.one(["ul", "bars", "div"])))
    return site.box("pager", items(site, [*map(str, range(1, site.chance.randint(3, 9))), "次へ"], site.one(["ul", "bars"])))


def contents_table(site: Site, headings: list[str]) -> str:
    """Links to the headings of the page."""
    return site.box(
        "toc",
        heading(site, site.one(["目次", "もくじ", "この記事の内容", "CONTENTS"]), 3)
        + items(site, headings, site.one(["ul", "ol"])),
    )


# ---- main texts -------------------------------------------------------------------------------------------------------------


def prose(site: Site, text: str) -> str:
    """A paragraph with emphasis and links inside, sometimes in a <div>."""
    if site.may(0.25) and len(text) > 20:
        at = site.chance.randint(2, len(text) - 8)
        end = at + site.chance.randint(2, 6)
        wrap = site.one(
            [
                "<b>{}</b>",
                "<strong>{}</strong>",
                '<a href="/k">{}</a>',
                "<span style='color:red'>{}</span>",
                "<font color=blue>{}</font>",
            ]
        )
        text = text[:at] + wrap.format(text[at:end]) + text[end:]
    return keep(text)


def paragraphs(site: Site, least: int, most: int) -> str:
    """Paragraphs: <p>, or lines separated by <br>."""
    texts = [prose(site, site.paragraph()) for _ in range(site.chance.randint(least, most))]
    kind = site.one(["p", "p", "p", "p", "br", "brbr", "div", "lines"])
    if kind == "br":
        return "<div>" + "<br>\n".join(texts) + "</div>"
    if kind == "brbr":
        return site.one(["<p>{}</p>", "<div>{}</div>", "{}"]).format("<br><br>\n".join(texts))
    if kind == "lines":  # a blog's short lines
        lines = []
        for text in texts:
            at = 0
            bare = text.replace(MARK, "") if "<" not in text else site.paragraph()
            while at < len(bare):
                step = site.chance.randint(8, 24)
                lines.append(keep(bare[at : at + step]))
                at += step
            lines.append("")
        return "<div>" + "<br>\n".join(lines) + "</div>"
    return "".join(f"<{kind}>{site.one(['　', '', '', ''])}{text}</{kind}>\n" for text in texts)


def extra(site: Site) -> str:
    """Something other than paragraphs inside an article."""
    kind = site.one(["list", "list", "table", "figure", "quote", "related", "ad", "code", "definition", "image", "info", "links"])
    if kind == "list":
        tag = site.one(["ul", "ul", "ol"])
        return (
            f"<{tag}>"
            + "".join(
                f"<li>{keep(site.headline(40) if site.may(0.6) else site.sentence())}</li>"
                for _ in range(site.chance.randint(2, 7))
            )
            + f"</{tag}>"
        )
    if kind == "table":
        return spec_table(site)
    if kind == "figure":
        return f"<figure><img src=p.jpg><figcaption>{keep(site.headline(40))}</figcaption></figure>"
    if kind == "quote":
        return f"<blockquote><p>{keep(site.paragraph())}</p></blockquote>"
    if kind == "related":
        return f"<p>{site.one(['関連記事：', 'あわせて読みたい：', '→', '【関連】', '▼'])}{link(site.headline())}</p>"
    if kind == "ad":
        return promotion(site)
    if kind == "code":
        return f"<pre><code>{keep('for (i = 0; i &lt; n; i++) { print(i); }')}</code></pre>"
    if kind == "definition":
        return (
            "<dl>"
            + "".join(
                f"<dt>{keep(site.headline(14))}</dt><dd>{keep(site.sentence())}</dd>" for _ in range(site.chance.randint(2, 5))
            )
            + "</dl>"
        )
    if kind == "links":
        return links(site)
    if kind == "info":
        return f"<div class='info'>{heading(site, keep(site.one(['開催概要', '店舗情報', '商品概要', 'データ', '基本情報'])), 4)}{spec_table(site)}</div>"
    return f"<p><img src=p.jpg>{('<br>' + keep(site.headline(30))) if site.may(0.4) else ''}</p>"


def links(site: Site) -> str:
    """Links that are a page's content: sources, materials, a collection."""
    rows = []
    for _ in range(site.chance.randint(2, 8)):
        rows.append(
            link(keep(site.headline(40)))
            + (site.one(["：", " - ", "　", "<br>", " （"]) + site.sentence() if site.may(0.75) else "")
        )
    return site.one(
        [
            "<ul><li>{}</li></ul>".format("</li><li>".join(rows)),
            "<p>" + "<br>".join(rows) + "</p>",
            "".join(f"<p>{row}</p>" for row in rows),
        ]
    )


def spec_table(site: Site) -> str:
    """Names and values."""
    names = [
        "品名",
        "価格",
        "住所",
        "電話番号",
        "営業時間",
        "定休日",
        "発売日",
        "サイズ",
        "重さ",
        "材料",
        "著者",
        "出版社",
        "日時",
        "会場",
        "参加費",
        "定員",
        "主催",
        "対応機種",
        "色",
        "原産国",
        "交通",
        "備考",
    ]
    rows = [
        (
            name,
            site.one(
                [
                    site.headline(20),
                    f"{site.chance.randint(1, 300)},000円（税込）",
                    "10:00～18:00",
                    "12×30cm",
                    "なし",
                    site.sentence(),
                ]
            ),
        )
        for name in site.some(names, 2, 8)
    ]
    kind = site.one(["table", "table", "td", "dl", "br"])
    if kind == "dl":
        return "<dl>" + "".join(f"<dt>{keep(name)}</dt><dd>{keep(value)}</dd>" for name, value in rows) + "</dl>"
    if kind == "br":
        return "<p>" + "<br>".join(keep(f"{name}：{value}") for name, value in rows) + "</p>"
    cell = "th" if kind == "table" else "td"
    return (
        "<table>" + "".join(f"<tr><{cell}>{keep(name)}</{cell}><td>{keep(value)}</td></tr>" for name, value in rows) + "</table>"
    )


def title_of(site: Site, title: str) -> str:
    """The heading of the article."""
    level = site.one(["1", "1", "1", "2", "2", "3"])
    inner = site.one([title, title, title, f'<a href="./">{title}</a>', f"<span>{title}</span>"]).replace(title, keep(title))
    made = site.one(
        [f"<h{level} class='{site.fashion['title']}'>{inner}</h{level}>"] * 6
        + [f"<p class='{site.fashion['title']}'>{inner}</p>", f"<div><font size=5><b>{inner}</b></font></div>"]
    )
    if site.may(0.25):
        subtitle = f"<p>{keep(site.headline(30))}</p>" if site.may(0.2) else ""
        made = site.one(
            [
                "<header>{}</header>",
                "<header class='entry-header'>{}</header>",
                "<div class='title-area'><div>{}</div></div>",
                "<div class='header'>{}</div>",
            ]
        ).format(made + subtitle)
    return made


def article(site: Site, title: str) -> str:
    """News, columns, tutorials: sections under headings, with the insertions typical of sites."""
    sections, headings = [], []
    short = site.may(0.35)
    for _ in range(0 if short else site.chance.randint(1, 6)):
        headings.append(site.headline(24))
        level = site.chance.randint(2, 4)
        inner = heading(site, keep(headings[-1]), level) + paragraphs(site, 1, 4)
        if site.may(0.4):
            inner += extra(site)
        sections.append(f"<section>{inner}</section>" if site.modern and site.may(0.2) else inner)
    lead = paragraphs(site, 1, site.one([1, 2, 5]) if short else 3)
    if site.may(0.2):
        lead = f"<p class='{site.fashion['lead']}'>{keep(site.paragraph())}</p>" + lead
    if site.may(0.3):
        lead += f"<div class='photo'><img src=a.jpg><p>{keep(site.headline(30))}</p></div>"
    if headings and site.may(0.3):
        lead += contents_table(site, headings)
    return lead + "".join(sections)


def diary(site: Site, title: str) -> str:
    """A blog entry, in short lines with pictures between them."""
    parts = []
    for _ in range(site.chance.randint(2, 7)):
        lines = [
            keep(site.sentence()[: site.chance.randint(6, 40)] + site.one(["", "！", "♪", "(笑)", "…", "。", "☆"]))
            for _ in range(site.chance.randint(2, 8))
        ]
        parts.append(site.one(["<br>", "<br />\n", "<br><br>", "</p><p>", "</div><div>"]).join(lines))
        if site.may(0.4):
            parts.append("<a href='/i.jpg'><img src=i.jpg></a><br>")
    return site.one(["<p>{}</p>", "<div>{}</div>"]).format("<br>".join(parts))


def thread(site: Site, title: str) -> str:
    """A board: one post after another."""
    posts = []
    for number in range(1, site.chance.randint(4, 20)):
        who = f"{number} ：{site.one(NAMES)}：2012/03/{number:02}(土) 10:{number + 10}"
        body = "<br>".join(keep(part) for part in [site.sentence(), site.one(COMMENTS)][: site.chance.randint(1, 2)])
        posts.append(site.one([f"<dt>{who}</dt><dd>{body}</dd>"]))
    flavour = site.one(["dl", "div", "table"])
    if flavour == "dl":
        return f"<dl>{''.join(posts)}</dl>"
    cells = [post.replace("<dt>", "").replace("</dd>", "").split("</dt><dd>") for post in posts]
    if flavour == "div":
        return "".join(
            f"<div class='{site.fashion['comment']}'><p class='name'>{who}</p><p>{body}</p><p>{link('返信')} {link('通報')}</p></div>"
            for who, body in cells
        )
    return "<table border=1>" + "".join(f"<tr><td>{who}</td><td>{body}</td></tr>" for who, body in cells) + "</table>"


def question(site: Site, title: str) -> str:
    """A question with its answers."""
    parts = [f"<div class='question'><p>{keep(site.paragraph())}</p></div>", share(site) if site.may(0.5) else ""]
    for number in range(site.chance.randint(1, 5)):
        label = site.one(["ベストアンサー", f"回答{number + 1}", f"No.{number + 1}", "回答"])
        parts.append(
            f"<div class='answer'><p class='label'>{label}</p><p class='user'>{site.one(NAMES)}さん 2015/2/{number + 1}</p><div>{'<br>'.join(keep(site.paragraph()) for _ in range(2))}</div><p>ナイス！{number}</p></div>"
        )
    return "".join(parts)


def product(site: Site, title: str) -> str:
    """A product page of a shop."""
    parts = [
        f"<p class='price'>{keep('価格：3,980円（税込）')}</p>",
        "<form><select><option>1</select><button>カートに入れる</button></form>",
        paragraphs(site, 1, 4),
        spec_table(site),
    ]
    if site.may(0.6):
        parts.append(heading(site, keep(site.one(["お客様の声", "レビュー", "カスタマーレビュー"])), 3))
        parts += [
            f"<div class='review'><p>★★★★☆ {site.one(NAMES)}</p><p>{keep(site.sentence() + site.one(COMMENTS))}</p></div>"
            for _ in range(site.chance.randint(1, 4))
        ]
    return "".join(parts)


def recipe(site: Site, title: str) -> str:
    """A recipe."""
    things = [
        "玉ねぎ",
        "にんじん",
        "じゃがいも",
        "豚肉",
        "しょうゆ",
        "みりん",
        "酒",
        "砂糖",
        "塩",
        "こしょう",
        "卵",
        "小麦粉",
        "牛乳",
        "バター",
        "油",
        "水",
        "だし汁",
        "豆腐",
        "ねぎ",
        "しょうが",
    ]
    rows = "".join(
        site.one(["<li>{}…{}</li>"]).format(keep(thing), site.one(["1個", "大さじ2", "200g", "少々", "1/2本"]))
        for thing in site.some(things, 4, 10)
    )
    steps = "".join(f"<li>{keep(site.sentence())}</li>" for _ in range(site.chance.randint(3, 8)))
    return (
        f"<p>{keep(site.sentence())}</p><h3>{keep('材料（2人分）')}</h3><ul>{rows}</ul><h3>{keep('作り方')}</h3><ol>{steps}</ol>"
        + (f"<h3>{keep('コツ・ポイント')}</h3><p>{keep(site.sentence())}</p>" if site.may(0.5) else "")
    )


def listing(site: Site, title: str) -> str:
    """A page whose content is a list: titles with the beginnings of texts."""
    rows = []
    for number in range(site.chance.randint(5, 20)):
        name = link(keep(site.headline(40)))
        excerpt = f"<p>{keep(site.sentence())}</p>" if site.may(0.7) else ""
        rows.append(
            f"<div class='item'><h3>{name}</h3><p class='date'>2019.4.{number + 1}</p>{excerpt}{('<p>' + link('続きを読む') + '</p>') if site.may(0.5) else ''}</div>"
        )
    return "".join(rows)


def directory(site: Site, title: str) -> str:
    """Links under headings: the contents of a manual, the pages of a club, a collection of links."""
    lead = f"<p>{keep(site.sentence())}</p>" if site.may(0.6) else ""
    return lead + "".join(
        heading(site, keep(site.headline(16)), site.chance.randint(2, 4)) + links(site) for _ in range(site.chance.randint(2, 7))
    )


def faq(site: Site, title: str) -> str:
    """The FAQ of an organization."""
    pairs = [(site.headline(40) + "か？", site.paragraph()) for _ in range(site.chance.randint(3, 10))]
    if site.may(0.5):
        return "<dl>" + "".join(f"<dt>{keep('Q. ' + ask)}</dt><dd>{keep('A. ' + answer)}</dd>" for ask, answer in pairs) + "</dl>"
    return "".join(f"<h3>{keep('Q：' + ask)}</h3><p>{keep(answer)}</p>" for ask, answer in pairs)


def song(site: Site, title: str) -> str:
    """Lines of verse."""
    lines = [keep(site.headline(16)) for _ in range(site.chance.randint(8, 30))]
    return (
        f"<p>作詞：{site.one(NAMES)}　作曲：{site.one(NAMES)}</p><div class='kashi'>"
        + "<br>\n".join(line + ("<br>" if n % 4 == 3 else "") for n, line in enumerate(lines))
        + "</div>"
    )


def notice(site: Site, title: str) -> str:
    """A notice of a town or company: short, with headings, a list of dates, contact details."""
    parts = [paragraphs(site, 1, 3)]
    for _ in range(site.chance.randint(1, 4)):
        parts += [
            heading(site, keep(site.headline(18)), site.chance.randint(2, 4)),
            site.one([paragraphs(site, 1, 2), spec_table(site), extra(site)]),
        ]
    if site.may(0.6):
        parts.append(
            f"<div class='contact'><h3>お問い合わせ</h3><p>広報課　電話：03-0000-0000<br>受付時間：平日8時30分から17時</p>{link('お問い合わせフォーム')}</div>"
        )
    return "".join(parts)


KINDS: list[tuple[Callable[[Site, str], str], int]] = [
    (article, 10), (diary, 3), (thread, 1), (question, 2), (product, 3), (recipe, 1), (listing, 2), (directory, 1), (faq, 1), (song, 1), (notice, 3),
]  # fmt: skip


def compose(number: int, texts: list[str]) -> str:
    """The page with this number, with MARK before every piece of its main text."""
    chance = random.Random(number)
    site = Site(chance, texts)
    site.fashion = (
        {part: chance.choice(FASHIONS)[part] for part in FASHIONS[0]} if site.may(0.5) else dict(chance.choice(FASHIONS))
    )
    if site.may(0.15):
        site.fashion = {part: f"css-{chance.getrandbits(24):x}" for part in site.fashion}
    site.modern, site.tables, site.name = site.may(0.6), site.may(0.12), site.one(SITES)
    make = chance.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    title = site.headline(40)
    body = make(site, title)
    body = site.box("body", body) if site.may(0.85) else body
    before = [
        part(site) for part, share_of in ((meta, 0.75), (share, 0.4), (promotion, 0.12), (leftovers, 0.1)) if site.may(share_of)
    ]
    after = [
        part(site)
        for part, share_of in ((share, 0.5), (meta, 0.15), (bio, 0.25), (pager, 0.3), (promotion, 0.25))
        if site.may(share_of)
    ]
    chance.shuffle(after)
    head = [title_of(site, title), *before] if site.may(0.8) else [*before, title_of(site, title)]
    entry = "".join([*head, body, *after])
    entry = site.box("article", entry, "article" if site.modern and site.may(0.6) else "div") if site.may(0.85) else entry
    comments = (
        "".join(
            f"<div class='{site.fashion['comment']}'><p>{site.one(NAMES)} : 2014/1/{n + 1}</p><p>{site.one(COMMENTS)}</p></div>"
            for n in range(chance.randint(1, 4))
        )
        if site.may(0.12)
        else ""
    )
    below = comments + "".join(
        part(site)
        for part, share_of in (
            (related, 0.7),
            (related, 0.5),
            (comment_form, 0.25),
            (leftovers, 0.15),
            (related, 0.4),
            (promotion, 0.1),
            (related, 0.3),
        )
        if site.may(share_of)
    )
    if site.may(0.5):
        entry += below
        below = ""
    path = crumbs(site) if site.may(0.6) else ""
    main = site.box("main", path * site.may(0.5) + entry, "main" if site.modern and site.may(0.5) else "div") + below
    sides = [sidebar(site) for _ in range(chance.choices([0, 1, 2], [3, 6, 1])[0])]
    if site.tables:
        cells = [f"<td valign=top width=180>{side}</td>" for side in sides]
        cells.insert(chance.randint(0, len(cells)), f"<td>{main}</td>")
        middle = f"<table width=800><tr>{''.join(cells)}</tr></table>"
    else:
        middle = "".join([main, *sides] if site.may(0.75) else [*sides, main])
        middle = f"<div id='wrapper'>{middle}</div>" if site.may(0.6) else middle
    top = header(site) if site.may(0.95) else ""
    bar = f"<div class='cookie'><p>{LEGAL[6]}</p><button>同意する</button></div>" if site.may(0.12) else ""
    name = site.one([f"{title} | {site.name}", f"{title} - {site.name}", f"{site.name}：{title}", title, site.name])
    pathed = path if not site.may(0.5) else ""
    return f"<!DOCTYPE html><html lang=ja><head><title>{name}</title></head><body>{bar}{top}{pathed}{middle}{footer(site)}</body></html>"


def pages(first: int, last: int, texts: list[str]) -> Iterator[str]:
    """The pages with these numbers."""
    for number in range(first, last):
        yield compose(number, texts)
