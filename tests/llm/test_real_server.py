"""The client against llama.cpp and a real model: schemas are obeyed, tokens counted, what is too long is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.llama import CONTEXT_TOKENS
from support.models import rows_of, write_policy, write_sample

from corpus_builder import Labelling, label
from corpus_builder.errors import InputError
from corpus_builder.llm.endpoint import Endpoint, Refused
from corpus_builder.llm.request import Request
from corpus_builder.llm.run import Limits
from corpus_builder.selection.policy import Policy, shipped


def labelled(llama: str, directory: Path, at_a_time: int) -> Labelling:
    sample, policy = write_sample(directory, ["猫", "送料無料"]), write_policy(directory)
    return label(sample, policy, llama, "smol", directory / f"{at_a_time}.jsonl", limits=Limits(at_a_time))


def test_labels_of_a_real_model(llama: str, tmp_path: Path) -> None:
    run = labelled(llama, tmp_path, 2)
    assert (run.documents, run.labelled, run.asked, run.bad) == (2, 2, 2, {})
    assert run.tokens_in > 2 * 20
    for row in rows_of(run.out):
        assert row["labels"]["good"] in (0, 1)
        assert row["labels"]["kind"] in ("news", "shop")


@pytest.mark.slow
def test_a_real_model_gives_the_same_bytes_again(llama: str, tmp_path: Path) -> None:
    runs = [labelled(llama, tmp_path, at_a_time) for at_a_time in (1, 2)]
    assert len({(run.digest, run.answers, run.tokens_in, run.tokens_out) for run in runs}) == 1


def test_a_text_that_is_too_long_for_the_model_is_refused(llama: str) -> None:
    long = Request(({"role": "user", "content": "長" * 2 * CONTEXT_TOKENS},), "p", "d", {"max_tokens": 5})
    with pytest.raises(Refused, match="exceeds the available context size"):
        Endpoint(llama, "smol").ask(long)


def test_a_wrong_address_is_a_sentence(llama: str) -> None:
    with pytest.raises(InputError, match=r"with status 404.*the URL, which mostly ends in /v1"):
        Endpoint(f"{llama}/nothing", "smol").ask(Request(({"role": "user", "content": "猫"},), "p", "d", {"max_tokens": 5}))


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_a_real_server_takes_the_schemas_of_the_shipped_policies(llama: str, name: str) -> None:
    policy = Policy.load(name)
    request = Request(({"role": "user", "content": "猫"},), "p", "d", {"temperature": 0, "max_tokens": 800}, policy.schema)
    answer = Endpoint(llama, "smol").ask(request)
    assert (answer.bad, answer.detail, answer.value) == ("", "", json.loads(answer.raw))
    assert {*policy.labels(answer.value)} == {one.name for one in policy.properties}
