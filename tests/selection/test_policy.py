"""Policies are files: the shipped ones are sound, those of one's own are, too, or are refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.models import POLICY, write_policy

from corpus_builder.classifier.model import Property
from corpus_builder.errors import RecipeError
from corpus_builder.llm.request import parsed
from corpus_builder.selection.policy import CUT, Policy, shipped

GRADES = ("0", "1", "2", "3", "4", "5")


def test_the_shipped_policies() -> None:
    found = {name: {one.name: (one.kind, len(one.values)) for one in Policy.load(name).properties} for name in shipped()}
    grade = ("graded", 6)
    assert found == {
        "educational": {"topic": ("graded", 3), "depth": ("graded", 3), "clarity": ("binary", 2), "educational": grade},
        "rubric": {
            "quality": grade, "educational": grade, "commercial": grade, "adult": grade, "machine_made": grade, "toxicity": grade,
            "personal_data": grade, "topic": ("category", 24), "format": ("category", 24),
        },
        "safeguard": {"reason": ("category", 8), "keep": ("binary", 2), "quality": ("graded", 4)},
    }  # fmt: skip


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_policy_tells_the_model_of_every_field_and_value(name: str) -> None:
    policy = Policy.load(name)
    request = policy.request("吾輩は猫である。")
    told = "\n".join(message["content"] for message in request.messages)
    assert request.messages[-1]["content"].count("<document>\n吾輩は猫である。\n</document>") == 1
    assert "{fields}" not in told
    assert "{text}" not in told
    for field in policy.asked:
        assert f"- {field.name} (" in told
        assert all(value in told for value in field.names)


def test_grades_are_added_by_the_tool() -> None:
    policy = Policy.load("educational")
    answer = {"topic_reason": "科学", "topic": 2, "depth_reason": "説明", "depth": 1, "clarity": 1}
    assert parsed('{"topic_reason": "科学", "topic": 2, "depth_reason": "説明", "depth": 1, "clarity": 1}', policy.schema) == (
        answer,
        "",
        "",
    )
    assert policy.labels(answer) == {"topic": 2, "depth": 1, "clarity": 1, "educational": 4}
    assert policy.properties[-1] == Property("educational", "graded", GRADES)


def test_a_long_text_is_cut(tmp_path: Path) -> None:
    assert Policy.load(write_policy(tmp_path)).cut("あ" * 41) == "あ" * 40
    policy = Policy.load(
        write_policy(tmp_path, POLICY.replace("max_characters = 40", "max_characters = 40\nend_characters = 10"))
    )
    assert policy.cut("あ" * 40) == "あ" * 40
    assert policy.cut("あ" * 41 + "い" * 10) == "あ" * 30 + CUT + "い" * 10
    assert policy.cut("a\ud800") == "a�"


def test_the_digest_is_of_what_matters(tmp_path: Path) -> None:
    def digests(content: str, **parameters: object) -> tuple[str, str]:
        policy = Policy.load(write_policy(tmp_path, content), parameters)
        return policy.prompt_digest, policy.digest

    first = digests(POLICY)
    assert digests("# a comment\n" + POLICY.replace("likely_tokens = 10", "likely_tokens = 90")) == first
    assert digests(POLICY, temperature=1) == first  # in the key of its own
    for changed in (POLICY.replace(">{text}", ">>{text}"), POLICY.replace('"shop"', '"store"'), POLICY.replace("= 40", "= 41")):
        assert not {*digests(changed)} & {*first}
    unlabelled = digests(POLICY.replace('kind = "binary"', 'kind = "binary"\nlabel = false'))
    assert unlabelled[0] == first[0]
    assert unlabelled[1] != first[1]


def test_what_a_document_holds_is_not_filled_in(tmp_path: Path) -> None:
    request = Policy.load(write_policy(tmp_path)).request("{text} {fields} {0}")
    assert request.messages[-1]["content"].endswith(">{text} {fields} {0}")


def test_examples_are_shown_and_checked(tmp_path: Path) -> None:
    example = '[[examples]]\ntext = "例"\nanswer = {good = 1, kind = "%s"}\n'
    policy = Policy.load(write_policy(tmp_path, POLICY + example % "news"))
    assert [message["role"] for message in policy.request("x").messages] == ["user", "assistant", "user"]
    assert policy.request("x").messages[1]["content"] == '{"good": 1, "kind": "news"}'
    with pytest.raises(
        RecipeError, match=r"the answer of examples\[0\] is not of the policy's own fields: kind: 'sport' is not one of"
    ):
        Policy.load(write_policy(tmp_path, POLICY + example % "sport"))


def test_parameters_replace_and_remove_those_of_the_file(tmp_path: Path) -> None:
    policy = Policy.load(write_policy(tmp_path), {"temperature": None, "max_tokens": 9, "reasoning_effort": "low"})
    assert policy.request("x").parameters == {"max_tokens": 9, "reasoning_effort": "low"}


WRONG = [
    ('name = "tiny"', 'name = "Tiny!"', "name = 'Tiny!': string should match pattern"),
    ("max_characters = 40", "max_character = 40", "unknown key 'max_character'; did you mean 'max_characters'?"),
    ("max_characters = 40", "end_characters = 4000", "end_characters is a part of max_characters"),
    (">{text}", ">", r"prompt: user holds \{text\} once"),
    (
        'kind = "binary"',
        'kind = "boolean"',
        r"fields\[0\].kind = 'boolean': input should be 'binary', 'graded', 'category' or 'note'",
    ),
    ('kind = "binary"', 'kind = "graded"\nvalues = [2, 1]', r"fields\[0\]: a graded field has two or more whole numbers"),
    ('kind = "binary"', 'kind = "graded"', r"fields\[0\]: a graded field has two or more whole numbers"),
    (
        'kind = "binary"',
        'kind = "graded"\nsum_of = ["god"]',
        "good: sum_of names 'god', which is no grade or binary field before it",
    ),
    ('kind = "binary"', 'kind = "binary"\nvalues = [0, 1]', "values = ... goes with a grade or a category"),
    ('values = ["news", "shop"]', 'values = ["news"]', r"fields\[1\]: a category has two or more names"),
    ('name = "kind"', 'name = "good"', "two fields are called 'good'"),
    ("temperature = 0", "stream = true", "parameters: 'stream' is set by the command"),
    ('name = "tiny"', 'name = "tiny', "is not TOML"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG, ids=[wrong for _, wrong, _ in WRONG])
def test_a_wrong_policy_is_a_sentence(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    assert right in POLICY
    with pytest.raises(RecipeError, match=rf"tiny\.toml.*{said}"):
        Policy.load(write_policy(tmp_path, POLICY.replace(right, wrong)))


def test_a_policy_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"There is no policy educatinal; did you mean 'educational'\? The shipped ones are"):
        Policy.load("educatinal")
    with pytest.raises(RecipeError, match="cannot be read: Is a directory"):
        Policy.load(tmp_path)
