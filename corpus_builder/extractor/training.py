"""Trains the extractor's model on pages whose main text is known."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus_builder.errors import InputError
from corpus_builder.extractor.blocks import CHARS, END, START
from corpus_builder.extractor.features import features
from corpus_builder.extractor.model import LIMIT, Floats, Model
from corpus_builder.extractor.scan import Scan, TooManyBlocks, scan

MARK = "\ue000"  # precedes every block of main text in a page composed for training

UNITS, NETWORKS, EPOCHS, BATCH = 24, 3, 20, 512
DROPOUT = 0.7  # ours: without it the network overfits to the style of the composed pages; 0.3 costs 0.03 of F1 on real ones
DECAY = 0.3
RATE = 3e-3
SPREAD = 0.05  # added to standard deviations, so that nearly constant features do not weigh too much


@dataclass(frozen=True, slots=True)
class Example:
    """A page and its main text, one block per line; `text` is None if MARKs in the page show it."""

    html: str
    text: str | None
    weight: float = 1.0


def read_examples(path: Path) -> Iterator[Example]:
    """Read JSON lines of {"html": ..., "text": ...} or {"html": ... with marks}, and an optional "weight"; raises InputError for anything else."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    example = Example(row["html"], row.get("text"), float(row.get("weight", 1.0)))
                    if not isinstance(example.html, str) or not isinstance(example.text, str | None):
                        raise TypeError
                    if not 0 < example.weight < float("inf"):
                        raise ValueError
                    yield example
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise InputError(
                        f'{path}, line {number}: expected {{"html": ..., "text": ...}} and a weight above 0, found {line[:60]!r}.'
                    ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error


def block_texts(found: Scan) -> list[str]:
    """The texts of a page's blocks."""
    octets = found.text.tobytes()
    return [octets[start:end].decode("utf-8", "replace") for start, end in found.blocks[:, [START, END]].tolist()]


def labelled(example: Example) -> tuple[Scan, Floats]:
    """A page's blocks, and the share of each that is main text, 0..1."""
    if example.text is None:
        marked = scan(example.html.encode("utf-8", "replace"))
        found = scan(example.html.replace(MARK, "").encode("utf-8", "replace"))
        return found, np.array([MARK in text for text in block_texts(marked)], dtype=np.float32)
    found = scan(example.html.encode("utf-8", "replace"))
    return found, _shares(block_texts(found), example.text)


_WHITE = re.compile(r"\s+")


def _shares(texts: Sequence[str], gold: str) -> Floats:
    """The share of each text that is in the gold, 0..1: lines in the same order count fully, other long ones by their 5-grams,
    and other short ones by half if they are part of a line next to one that counts."""
    texts = [_WHITE.sub("", text) for text in texts]
    lines = [line for line in (_WHITE.sub("", line) for line in gold.split("\n")) if line]
    shares = np.zeros(len(texts), dtype=np.float32)
    for match in difflib.SequenceMatcher(None, texts, lines, autojunk=False).get_matching_blocks():
        shares[match.a : match.a + match.size] = 1
    grams = set(_grams("".join(lines)))
    for place, text in enumerate(texts):
        if shares[place] == 1:
            continue
        if len(text) >= 12:
            own = _grams(text)
            share = sum(own[gram] for gram in own if gram in grams) / own.total()
            shares[place] = 1 if share >= 0.6 else 0 if share <= 0.4 else share
        elif len(text) >= 2 and any(text in line and len(line) > len(text) for line in lines):
            beside = max(shares[max(place - 1, 0)], shares[min(place + 1, len(texts) - 1)])
            shares[place] = 0.5 if beside > 0.8 else 0
    return shares


def _grams(text: str, n: int = 5) -> Counter[str]:
    return (
        Counter(text[place : place + n] for place in range(len(text) - n + 1)) if len(text) >= n else Counter([text] * bool(text))
    )


_LAYOUT = re.compile(r"^\s*(?:[-*|]\s+|#+\s+)|\s*\|\s*|\s+", re.MULTILINE)


def f1(text: str, gold: str, neutral: str = "") -> tuple[float, float, float]:
    """Precision, recall and F1 of a text by character 5-grams, 0..1, ignoring white space and list and table markup.

    Parts of the text that are in `neutral` (readers' comments) count neither way.

    >>> f1("- 吾輩は猫である。", "吾輩は猫である。\\n名前はまだ無い。")[0]
    1.0
    """
    found, wanted = _grams(_LAYOUT.sub("", text)), _grams(_LAYOUT.sub("", gold))
    if neutral:
        found -= (found - wanted) & _grams(_LAYOUT.sub("", neutral))
    if not found or not wanted:
        return (1.0, 1.0, 1.0) if not found and not wanted else (0.0, 0.0, 0.0)
    common = (found & wanted).total()
    precision, recall = common / found.total(), common / wanted.total()
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def train(examples: Iterable[Example], progress: Callable[[str], None] = lambda line: None) -> Model:
    """Train a model on pages.  Takes a few minutes for 2,000 pages; the seeds are fixed.  Raises InputError if there are no pages.

    All pages weigh the same, and within a page a block by the square root of its length.  Three networks are trained and merged.
    """
    rows, shares, weights = [], [], []
    for example in examples:
        try:
            found, share = labelled(example)
        except TooManyBlocks:
            progress(f"a page of {len(example.html):,} characters has too many blocks, and is left out")
            continue
        if len(share):
            root = np.sqrt(found.blocks[:, CHARS].astype(np.float32))
            rows.append(features(found))
            shares.append(share)
            weights.append(root / root.sum() * np.float32(example.weight))
    if not rows:
        raise InputError("There are no pages to train on.")
    progress(f"{len(rows)} pages with {sum(map(len, rows))} blocks, {np.mean(np.concatenate(shares)):.3f} of them main text")
    table, wanted, weight = np.concatenate(rows), np.concatenate(shares), np.concatenate(weights)
    weight *= len(weight) / weight.sum()
    mean, scale = table.mean(0), 1 / (table.std(0) + np.float32(SPREAD))
    table = np.clip((table - mean) * scale, -LIMIT, LIMIT)
    networks = []
    for seed in range(NETWORKS):
        networks.append(_network(table, wanted, weight, seed))
        progress(f"network {seed + 1} of {NETWORKS} trained")
    hidden, hidden_bias, output, output_bias = (list(part) for part in zip(*networks, strict=True))
    return Model(
        mean,
        scale,
        np.concatenate(hidden, axis=1),
        np.concatenate(hidden_bias),
        (np.concatenate(output) / NETWORKS).astype(np.float32),
        np.mean(output_bias, axis=0).astype(np.float32),
    )


def _network(table: Floats, wanted: Floats, weight: Floats, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Weights trained by Adam on the weighted cross-entropy, with feature dropout and weight decay."""
    chance = np.random.default_rng(seed)
    count, columns = table.shape
    hidden = (chance.standard_normal((columns, UNITS)) / np.sqrt(columns)).astype(np.float32)
    output = (chance.standard_normal(UNITS) / np.sqrt(UNITS)).astype(np.float32)
    parts = [hidden, np.zeros(UNITS, np.float32), output, np.zeros(1, np.float32)]
    first, second = [np.zeros_like(part) for part in parts], [np.zeros_like(part) for part in parts]
    step = 0
    for epoch in range(EPOCHS):
        order = chance.permutation(count)
        rate = RATE * (1 - epoch / EPOCHS) + 1e-5
        for start in range(0, count, BATCH):
            batch = order[start : start + BATCH]
            inputs = table[batch]
            inputs *= (chance.random(inputs.shape, dtype=np.float32) > DROPOUT) * np.float32(1 / (1 - DROPOUT))
            slopes = _slopes(inputs, wanted[batch], weight[batch], parts)
            step += 1
            for place, (part, slope) in enumerate(zip(parts, slopes, strict=True)):
                first[place] = 0.9 * first[place] + 0.1 * slope
                second[place] = 0.999 * second[place] + 0.001 * slope * slope
                move = first[place] / (1 - 0.9**step) / (np.sqrt(second[place] / (1 - 0.999**step)) + 1e-8)
                part -= rate * (move + (DECAY * part if place in (0, 2) else 0))
    return parts[0], parts[1], parts[2], parts[3]


def _slopes(inputs: Floats, wanted: Floats, weight: Floats, parts: Sequence[Floats]) -> list[npt.NDArray[np.float32]]:
    hidden, hidden_bias, output, output_bias = parts
    sums = inputs @ hidden + hidden_bias
    active = np.maximum(sums, 0)
    logit = active @ output + output_bias[0]
    error = (1 / (1 + np.exp(-logit)) - wanted) * weight / np.float32(len(wanted))
    back = np.outer(error, output) * (sums > 0)
    return [inputs.T @ back, back.sum(0), active.T @ error, np.array([error.sum()], dtype=np.float32)]
