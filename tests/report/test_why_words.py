"""`why` tells the words that a rule counted: as they are written, with the entry that they stand for."""

from __future__ import annotations

import json
from pathlib import Path

from support.corpora import prose

from corpus_builder import Recipe, Serial, build
from corpus_builder.report.why import as_text


def test_the_words_of_a_rule_are_told(tmp_path: Path) -> None:
    texts = [
        f"{prose(1)}\n送料無料、即日発送、送料無料の店で、せっくすの本を売る。",
        prose(2),
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts))
    (tmp_path / "ng.txt").write_text("セックス\n")
    quality = {
        "ng_words": ["ng.txt"],
        "ng_variants": True,
        "rules": [
            {"measure": "commerce_density", "max": 5},
            {"measure": "ng_fraction", "max": 0.001},
            {"measure": "adult_density", "max": 9},
        ],
    }
    sources = [{"name": "web", "kind": "jsonl", "paths": ["rows.jsonl"]}]
    done = build(Recipe.of({"name": "words", "sources": sources, "quality": quality}, base=tmp_path), tmp_path / "out", Serial())
    dropped, kept = (done.why(f"rows.jsonl/{number}")[0] for number in (1, 2))
    assert dropped.outcome.reason == "commerce_density_high"
    assert [(one.drops, one.words) for one in dropped.rules] == [
        (True, ("送料無料", "即日発送")),
        (True, ("せっくす (セックス)",)),
        (False, ()),
    ]
    assert [(one.drops, one.words) for one in kept.rules] == [(False, ())] * 3
    lines = as_text(dropped).splitlines()
    assert [line.strip() for line in lines if "送料無料" in line or "せっくす" in line] == [
        "送料無料, 即日発送",
        "せっくす (セックス)",
    ]
