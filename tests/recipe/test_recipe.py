"""A recipe is read whole or refused in a sentence that says where and what instead."""

from pathlib import Path

import pytest
from support.paths import ROOT

from corpus_builder import Recipe, RecipeError
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.hashing.presets import PRESETS

WEB = {"name": "web", "kind": "warc", "paths": ["a.warc.gz"]}
WIKI = {"name": "wiki", "kind": "wikipedia", "paths": ["b.xml.bz2"]}


def recipe(**more):
    return Recipe.of({"name": "x", "sources": [WEB, WIKI], **more})


def rules(*found, **quality):
    return {"quality": {"rules": list(found), **quality}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"qualty": {}}, r"unknown key 'qualty'; did you mean 'quality'\?"),
        ({"quality": {"rule": []}}, r"unknown key 'quality.rule'; did you mean 'rules'\?"),
        ({"dedup": {"band": 3}}, r"unknown key 'dedup.band'; did you mean 'bands'\?"),
        ({"sources": []}, "sources = .* at least 1 item"),
        ({"sources": [WEB, WEB]}, "two sources have the same name"),
        (
            {"sources": [WEB | {"kind": "arc"}]},
            r"sources\[0\].kind = 'arc': .*'warc', 'commoncrawl', 'wikipedia', 'jsonl', 'parquet' or 'text'",
        ),
        ({"name": "a b"}, "name = 'a b'"),
        (
            rules({"measure": "hiragana_ratio", "min": 0.2}),
            r"unknown measure 'hiragana_ratio' in quality.rules\[0\]; did you mean 'hiragana_fraction'\? \(`corpus-builder measures` lists them\)\.",
        ),
        (rules({"measure": "hiragana_fraction"}), "has no limit; give min, max, above or below"),
        (rules({"measure": "num_letters", "hosts": ["a"], "min": 1}), "a rule is one of"),
        (rules({"hosts": ["a"], "min": 1}), "min, max, above and below go with measure"),
        (rules({"ut1": "a", "host_suffixes": [".b"]}), "ut1 goes without hosts and host_suffixes"),
        (rules({"hosts": ["a"], "ut1_categories": ["adult"]}), "ut1_categories go with ut1"),
        (rules({"host_suffixes": [".b"], "exact_host": True}), "exact_host goes with hosts or ut1"),
        (rules({"measure": "ng_fraction", "below": 0.05}), "no word list is given; name one in quality.ng_words"),
        (rules({"duplicates": True}), r"a \[dedup\] table and a rule duplicates = true go together"),
        ({"dedup": {}}, r"a \[dedup\] table and a rule duplicates = true go together"),
        (rules({"duplicates": True}, {"duplicates": True}) | {"dedup": {}}, "says duplicates = true twice"),
        ({"dedup": {"preset": "japanes"}}, "dedup: Unknown preset 'japanes'; did you mean 'japanese'"),
        ({"dedup": {"preset": "swallow", "bands": 3}}, "dedup: preset = 'swallow' .* bands cannot be combined with it"),
        ({"dedup": {"recall": 0.9}}, "dedup: recall says how well to find a similarity; add it"),
        ({"dedup": {"rows": 257}}, "dedup.rows = 257: input should be less than or equal to 256"),
        ({"dedup": {"bands": 1025}}, "dedup.bands = 1025: input should be less than or equal to 1024"),
        ({"dedup": {"seed": -1}}, "dedup.seed = -1: input should be greater than or equal to 0"),
        ({"dedup": {"similarity": 1.0}}, "dedup.similarity = 1.0: input should be less than 1"),
        ({"dedup": {"similarity": 0.8, "recall": 1.0}}, "dedup.recall = 1.0: input should be less than 1"),
        (rules(sources=["webb"]), r"unknown source 'webb' in quality.sources; did you mean 'web'\?"),
        (rules(measures={"num_letters": "a:b"}), "'num_letters' is taken"),
        ({"release": {"mixture": {"wiki": {"epochs": 9}}}}, "epochs = 9.0 is more than max_epochs = 4.0"),
        ({"release": {"mixture": {"wiki": {"epochs": 1, "share": 0.1}}}}, "either epochs = ... or share = ..."),
        ({"release": {"mixture": {"wiki": {"share": 0.5}, "web": {"share": 0.5}}}}, "must add up to less than 1"),
        ({"release": {"edits": {"wki": []}}}, "unknown source 'wki' in release.edits; did you mean 'wiki'"),
        ({"extract": {"min_japanese_score": 2}}, r"extract.min_japanese_score = 2: .*less than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(change, says):
    with pytest.raises(RecipeError, match=says):
        recipe(**change)


@pytest.mark.parametrize(
    ("content", "says"), [(b"name = ", "is not TOML"), (b"\xff", "is not TOML"), (None, "There is no recipe")]
)
def test_files_that_cannot_be_read_are_sentences(tmp_path, content, says):
    path = tmp_path / "recipe.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=says):
        Recipe.load(path)


def test_paths_start_at_the_recipe(tmp_path):
    (tmp_path / "recipe.toml").write_text('name = "x"\n[[sources]]\nname = "web"\nkind = "warc"\npaths = ["w/*.warc.gz"]\n')
    loaded = Recipe.load(tmp_path / "recipe.toml")
    assert loaded.resolve("w/a") == tmp_path.resolve() / "w" / "a"
    assert loaded.resolve("/abs/a") == Path("/abs/a")


def test_a_rule_judges_the_sources_that_it_names_or_those_of_quality():
    found = recipe(
        **rules({"measure": "num_letters", "min": 1}, {"measure": "num_letters", "max": 9, "sources": ["wiki"]}, sources=["web"])
    )
    assert [found.judged_by(rule) for rule in found.quality.rules] == [("web",), ("wiki",)]
    assert recipe(**rules({"measure": "num_letters", "min": 1})).judged_by(found.quality.rules[0]) == ("web", "wiki")


def test_a_recipe_cannot_be_changed():
    with pytest.raises(RecipeError, match=r"^A Recipe cannot be changed; make another one with name = 'y'\.$"):
        recipe().name = "y"


def test_the_shipped_recipes_hold_the_published_rules():
    """Thresholds of Swallow v1 (released script) and v2 (NLP2025 C1-5, table 4)."""
    folder = ROOT / "pipelines"
    v1 = Recipe.load(folder / "swallow_v1.toml")
    v2 = Recipe.load(folder / "swallow_v2.toml")
    kept_by_v2 = [
        "num_japanese_letters >= 400",
        "hiragana_fraction >= 0.2",
        "avg_sentence_length >= 20 and <= 90",
        "ellipsis_fraction <= 0.2",
        "duplicate_paragraph_fraction <= 0.3",
        "duplicate_sentence_fraction <= 0.3",
        "duplicate_paragraph_fraction_in_character <= 0.2",
        "duplicate_sentence_fraction_in_character <= 0.2",
        "top_2gram_character_fraction <= 0.2",
        "top_3gram_character_fraction <= 0.18",
        "top_4gram_character_fraction <= 0.16",
        "ng_fraction < 0.05",
    ]
    only_v1 = [
        "num_letters >= 400",
        "katakana_fraction <= 0.5",
        "japanese_fraction >= 0.5",
        "max_sentence_length <= 200",
        *(
            f"duplicate_{n}gram_character_fraction <= {limit}"
            for n, limit in zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.1), strict=True)
        ),
    ]
    labels = {name: [rule.label for rule in loaded.quality.rules] for name, loaded in (("v1", v1), ("v2", v2))}
    assert sorted(labels["v1"]) == sorted([*kept_by_v2, *only_v1, "hosts", "hosts", "duplicates"])
    assert sorted(labels["v2"]) == sorted([*kept_by_v2, "hosts", "hosts", "duplicates"])
    assert (labels["v1"][-1], labels["v2"][0]) == ("duplicates", "duplicates")
    assert [loaded.dedup.minhash for loaded in (v1, v2)] == [PRESETS["swallow"]] * 2
    assert v1.release.edits == {"web": ("normalize_punctuation_v1", "trim_footer_v1")}


def test_a_rule_without_a_limit_is_found_by_its_place():
    with pytest.raises(RecipeError, match=r"quality\.rules\[0\]: The rule on 'num_letters' has no limit"):
        Recipe.of({"name": "x", "sources": [WEB], "quality": {"rules": [{"measure": "num_letters"}]}})


def test_one_mistake_in_a_source_is_one_sentence():
    with pytest.raises(RecipeError) as error:
        Recipe.of({"name": "x", "sources": [{**WEB, "kind": "wrac"}]})
    assert "sources[0].kind = 'wrac'" in str(error.value)
    assert "at least 1 item" not in str(error.value)


def test_a_recipe_that_is_a_directory_is_a_sentence(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read: Is a directory"):
        Recipe.load(tmp_path)


@pytest.mark.parametrize(
    ("dedup", "spec"),
    [
        ({}, MinHash(5, 14, 8)),
        ({"bands": 3, "seed": 7}, MinHash(5, 3, 8, 7)),
        ({"preset": "japanese"}, MinHash(5, 20, 7)),
        ({"similarity": 0.8}, MinHash(5, 17, 8)),
        ({"similarity": 0.8, "recall": 0.98, "bytes_per_document": 600, "ngram": 7}, MinHash(7, 22, 8)),
    ],
)
def test_hashes_are_said_by_name_by_number_or_by_what_is_to_be_found(dedup, spec):
    assert recipe(dedup=dedup, **rules({"duplicates": True})).dedup.minhash == spec
