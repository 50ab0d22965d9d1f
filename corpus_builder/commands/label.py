"""The command that labels documents with a language model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command, under
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import end_with_nothing, say, say_json
from corpus_builder.errors import RecipeError


def _parameters(given: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise RecipeError(f"--parameter {one}: write NAME=VALUE, such as max_tokens=500.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _by_hand(sample: Path, labels: Path, out: Path, policy: str | None, as_json: bool, asks: object) -> None:
    from corpus_builder.selection.by_hand import label_by_hand
    from corpus_builder.selection.label import as_data

    if asks:
        raise RecipeError("--labels takes labels by hand, and no model is asked; leave out what is for a model.")
    done = label_by_hand(sample, labels, out, policy=policy)
    if as_json:
        say_json(as_data(done))
    else:
        say(f"{done.out}: {done.labelled:,} of {done.documents:,} documents\nlabels: {done.digest}")


@click.command(cls=Command, short_help="Label documents with a language model.")
@click.argument("sample", type=PATH)
@click.option("--policy", help="A shipped policy (educational, safeguard, rubric), or a file; goes without only with --labels.")
@click.option(
    "--endpoint", help="URL of an OpenAI-compatible server, mostly ending in /v1.  [default: only kept answers are used]"
)
@click.option(
    "--model", default="", help="The model, as the endpoint calls it.  [default without --endpoint: that of the kept answers]"
)
@click.option("--out", type=PATH, required=True, help="File of JSON lines to write.")
@click.option("--answers", type=PATH, help="Directory where all answers are kept.  [default: OUT.answers]")
@click.option("--labels", type=PATH, help="Labels by hand, a table or JSON lines with the ids of SAMPLE, instead of a model's.")
@under(
    "How it is asked",
    click.option("--parallel", type=click.IntRange(1, 256), default=8, show_default=True, help="Requests at a time."),
    click.option(
        "--requests-per-minute", type=click.FloatRange(0, min_open=True), help="The most that are sent.  [default: no limit]"
    ),
    click.option(
        "--tokens-per-minute", type=click.FloatRange(0, min_open=True), help="The most, as estimated.  [default: no limit]"
    ),
    click.option(
        "--attempts",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="How often a document is asked about while answers are bad.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        default=300.0,
        show_default=True,
        help="Seconds until an answer has to come.",
    ),
    click.option(
        "--parameter",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="Of the request, instead of the policy's; null removes one.",
    ),
    click.option(
        "--api-key-env", default="OPENAI_API_KEY", show_default=True, help="Environment variable that holds the API key."
    ),
)
@under(
    "What it costs",
    click.option("--price-in", type=click.FloatRange(0), help="Money per million tokens of requests."),
    click.option("--price-out", type=click.FloatRange(0), help="Money per million tokens of answers."),
    click.option("--budget", type=click.FloatRange(0), help="The most that these labels may cost, earlier runs included."),
    click.option("--budget-tokens", type=click.IntRange(0), help="The same, in tokens."),
    click.option("--dry-run", is_flag=True, help="Show what it would cost, and stop."),
)
@as_json
def label(
    sample: Path,
    policy: str | None,
    endpoint: str | None,
    model: str,
    out: Path,
    answers: Path | None,
    labels: Path | None,
    parallel: int,
    requests_per_minute: float | None,
    tokens_per_minute: float | None,
    attempts: int,
    timeout: float,
    parameters: tuple[str, ...],
    api_key_env: str,
    price_in: float | None,
    price_out: float | None,
    budget: float | None,
    budget_tokens: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Label the documents of SAMPLE, a file of `sample`, with a language model, or go on where an earlier run stopped.

    Every answer is kept when it comes, and no question that was answered is asked twice.  Without --endpoint, a finished run is
    repeated from the answers that are kept.  Documents whose answer is no use are left out, and counted by reason.  With --labels, the
    labels are those of a person.
    """
    if labels is not None:
        _by_hand(sample, labels, out, policy, as_json, endpoint or model or answers or parameters or dry_run)
        return
    if policy is None:
        raise RecipeError("Name a policy with --policy: educational, safeguard, rubric, or a file; or give --labels.")
    from corpus_builder.llm.cost import Budget, Prices, Tokens, in_words
    from corpus_builder.llm.run import Limits
    from corpus_builder.selection.label import as_data, by_reason
    from corpus_builder.selection.label import label as run

    prices = Prices(price_in, price_out)
    done = run(
        sample,
        policy,
        endpoint,
        model,
        out,
        answers=answers,
        parameters=_parameters(parameters),
        api_key_env=api_key_env,
        limits=Limits(parallel, requests_per_minute, tokens_per_minute, attempts),
        prices=prices,
        budget=Budget(budget, budget_tokens),
        timeout_seconds=timeout,
        dry_run=dry_run,
        say=lambda line: say(line, err=as_json or not dry_run),
    )
    if as_json:
        say_json(as_data(done))
    elif not dry_run:
        say(
            f"{done.out}: {done.labelled:,} of {done.documents:,} documents, {in_words(Tokens(done.tokens_in, done.tokens_out), prices)}"
        )
        for line in by_reason(done.bad):
            say(f"  left out: {line}")
        say(f"answers: {done.answers}\nlabels: {done.digest}")
    if not dry_run and not done.labelled:
        end_with_nothing(f"no answer is of use, so {done.out} is empty; the answers are in the directory of --answers.")
