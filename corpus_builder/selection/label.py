"""Labels documents with a language model: a sample and a policy in, the sample with labels out.

Every answer is kept when it comes, in a directory beside the output; a run that was killed goes on from there, and a finished one can
be run again without an endpoint.  The same answers give the same bytes.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from corpus_builder.errors import InputError, StageError
from corpus_builder.llm.cost import Budget, BudgetError, Forecast, Ledger, Prices, Tokens, in_words
from corpus_builder.llm.endpoint import ANSWER_SECONDS, KEY_VARIABLE, Endpoint
from corpus_builder.llm.kept import HEAD, Kept, kept_in
from corpus_builder.llm.request import BAD, Request
from corpus_builder.llm.run import Limits, Progress, ask_all, tokens_of
from corpus_builder.selection.documents import rows_of
from corpus_builder.selection.policy import Policy
from corpus_builder.store.apart import keep_apart, keep_file_apart
from corpus_builder.store.files import digest_file, full_disk, give_name, is_url, json_bytes, sync_directory, write_atomically
from corpus_builder.store.ownership import small_object

REPORT_SECONDS = 10.0
WRITTEN = "written.txt"  # the digests of our label files: a file with another one holds work of somebody else


@dataclass(frozen=True)
class Labelling:
    """What a run of `label` did: documents of the sample, those with labels, bad answers by reason, answers asked now, and the cost in all."""

    out: Path
    documents: int = 0
    labelled: int = 0
    bad: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0
    tokens_in: float = 0
    tokens_out: float = 0
    money: float | None = None
    forecast: Forecast | None = None
    digest: str = ""
    """SHA-256 of the label file; "" if only the costs were asked for."""
    answers: str = ""
    """SHA-256 of the answers that it was made from."""


def label(
    sample: str | Path,
    policy: str | Path,
    endpoint: str | None = None,
    model: str = "",
    out: str | Path = "labels.jsonl",
    *,
    answers: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    api_key_env: str = KEY_VARIABLE,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    prices: Prices = Prices(),  # noqa: B008 - frozen
    budget: Budget = Budget(),  # noqa: B008 - frozen
    timeout_seconds: float = ANSWER_SECONDS,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Labelling:
    """Label the documents of a sample with a model behind an OpenAI-compatible endpoint, or replay the answers that are kept.

    `sample` is a file of JSON lines with "text"; `policy` the name of a shipped policy or a file.  Without `endpoint` nothing is asked:
    all answers have to be in `answers`, by default the directory OUT.answers.  Lines of `sample` whose answer is bad are left out of
    `out`; the answers are kept with their reasons.

    Raises RecipeError for a wrong policy or option, InputError for a wrong sample or missing answers, BudgetError where the budget ended,
    and StageError if documents are left without an answer.
    """
    job = _Job.of(sample, policy, model, out, answers, parameters, dry_run)
    budget.check(prices)
    asker = Endpoint.of(endpoint, job.model, api_key_env, timeout_seconds) if endpoint else None
    with nullcontext(Kept(job.answers)) if dry_run and not job.answers.exists() else kept_in(job.answers) as kept:
        job.check_out()
        forecast = job.forecast(kept, limits)
        if asker is not None or dry_run:
            say(in_sentences(forecast, prices))
        if dry_run:
            return Labelling(job.out, forecast.requests, forecast=forecast)
        ledger = Ledger(budget, prices, forecast.spent)
        done = Progress()
        if asker is not None and forecast.answered < forecast.requests:
            report = _Report(forecast, prices, say)
            done = ask_all(job.requests(), asker, kept, ledger, limits, report)
        job.check_complete(kept, done, ledger, asker)
        return job.written(kept, done, ledger.spent, prices, forecast)


@dataclass(frozen=True)
class _Job:
    sample: Path
    policy: Policy
    model: str
    out: Path
    answers: Path

    @classmethod
    def of(
        cls, sample: str | Path, policy: str | Path, model: str, out: str | Path, answers: str | Path | None,
        parameters: Mapping[str, Any] | None, dry_run: bool,
    ) -> _Job:  # fmt: skip
        sample, out = Path(sample), Path(out)
        answers = Path(answers) if answers is not None else out.with_name(f"{out.name}.answers")
        for place in (out, answers):
            if is_url(place):
                raise InputError(f"{place} is not a place for labels, which are written to disk; name a file with --out.")
        if out.is_dir() or not out.parent.is_dir():
            raise InputError(f"The labels cannot be written to {out}: name a file in a directory that exists.")
        keep_file_apart(out, (sample, *([policy] if Path(policy).is_file() else [])))
        keep_apart(answers, (sample, out))
        made = Policy.load(policy, parameters)
        if not model:
            model = str((small_object(answers / HEAD) or {}).get("model", ""))
        if not model and not dry_run:
            raise InputError("No model is named, and no finished run says which; give --model, as the endpoint calls it.")
        return cls(sample, made, model, out, answers)

    def check_out(self) -> None:
        """Raise InputError if the output file holds something that this command did not write."""
        if self.out.exists() and digest_file(self.out) not in self._own_outputs():
            raise InputError(
                f"{self.out} exists, and is not as the run that made {self.answers} left it; it may hold labels by hand. Choose another file "
                "with --out (and this directory with --answers, to ask nothing twice), or remove it."
            )

    def _own_outputs(self) -> list[str]:
        """Digests of the label files that were written from these answers."""
        head, names = small_object(self.answers / HEAD) or {}, self.answers / WRITTEN
        return [str(head.get("labels")), *(names.read_text().split() if names.exists() else ())]

    def requests(self) -> Iterator[Request]:
        """A question for each line."""
        for row in rows_of(self.sample):
            yield self.policy.request(row["text"])

    def forecast(self, kept: Kept, limits: Limits) -> Forecast:
        """What is still to be asked; equal texts are asked once."""
        found, seen = Forecast(), set()
        for request in self.requests():
            key = request.key(self.model)
            if key in seen:
                continue
            seen.add(key)
            if not kept.next_attempt(key, limits.attempts):
                found = found.with_answer(kept.cost(key))
                continue
            into, longest = tokens_of(request)
            found = found.with_request(Tokens(into, min(request.likely_tokens, longest)), Tokens(into, longest), kept.cost(key))
        if not seen:
            raise InputError(f"The sample {self.sample} has no documents.")
        return found

    def check_complete(self, kept: Kept, done: Progress, ledger: Ledger, asker: Endpoint | None) -> None:
        """Raise an error if a document has no answer at all."""
        keys = {request.key(self.model) for request in self.requests()}
        missing = sum(not kept.has(key) for key in keys)
        if ledger.exhausted:
            raise BudgetError(
                f"The budget is used up: {in_words(ledger.spent, ledger.prices)} for {len(keys) - missing:,} of {len(keys):,} documents. All "
                f"answers are kept in {self.answers}; run the same command with a larger budget, and it goes on from there."
            )
        if missing and asker is None:
            raise InputError(
                f"{self.answers} has no answer to {missing:,} of {len(keys):,} documents by this policy, model ({self.model}) and parameters; "
                "give --endpoint to ask for them, or the sample, policy and parameters that the answers were made for."
            )
        if missing:
            raise StageError(
                f"{missing:,} of {len(keys):,} documents have no answer, after all tries; the last time: {done.last_failure}. The others are "
                f"kept in {self.answers}; run the same command again to ask for the missing ones."
            )

    def written(self, kept: Kept, done: Progress, spent: Tokens, prices: Prices, forecast: Forecast) -> Labelling:
        """Write the label file, and seal the answers that it was made from."""
        by = f"{self.policy.file.name}@{self.policy.digest[:12]} {self.model}"
        bad: Counter[str] = Counter()
        keys: dict[str, None] = {}
        documents = 0
        temporary = self.out.parent / f".{uuid.uuid4().hex}.tmp"
        digest = sha256()
        try:
            with temporary.open("wb") as file:
                for row in rows_of(self.sample):
                    documents += 1
                    request = self.policy.request(row["text"])
                    key = request.key(self.model)
                    keys[key] = None
                    answer = kept.answer(key, request.schema)
                    if answer is None:
                        raise InputError(
                            f"The sample {self.sample} changed while it was being labelled; run the same command again."
                        )
                    if answer.bad:
                        bad[answer.bad] += 1
                        continue
                    line = json_bytes({**row, "labels": self.policy.labels(answer.value), "by": by}, indent=None)
                    digest.update(line)
                    file.write(line)
            ours = dict.fromkeys([*self._own_outputs()[1:], digest.hexdigest()])
            write_atomically(
                self.answers / WRITTEN, "".join(f"{one}\n" for one in ours).encode()
            )  # before: it may be killed between
            give_name(temporary, self.out)
            sync_directory(self.out.parent)
        except OSError as error:
            raise full_disk(error, self.out) or error from None
        finally:
            temporary.unlink(missing_ok=True)
        head = {
            "model": self.model, "policy": self.policy.file.name, "policy_digest": self.policy.digest, "prompt": self.policy.prompt_digest,
            "parameters": self.policy.file.parameters, "requests": len(keys), "bad": dict(sorted(bad.items())), "labels": digest.hexdigest(),
        }  # fmt: skip
        sealed = kept.seal(keys, head)
        money = prices.of(spent.tokens_in, spent.tokens_out) if prices.known else None
        return Labelling(
            self.out, documents, documents - bad.total(), dict(sorted(bad.items())), done.answers.total(), spent.tokens_in, spent.tokens_out,
            money, forecast, digest.hexdigest(), sealed,
        )  # fmt: skip


class _Report:
    """Says now and then how far a run is, what it has cost, and what it will have cost in the end."""

    def __init__(self, forecast: Forecast, prices: Prices, say: Callable[[str], None]) -> None:
        self.forecast, self.prices, self.say = forecast, prices, say
        self._last = time.monotonic()

    def __call__(self, done: Progress, spent: Tokens) -> None:
        if time.monotonic() - self._last < REPORT_SECONDS:
            return
        self._last = time.monotonic()
        answers = done.answers.total()
        left = max(self.forecast.requests - self.forecast.answered - answers, 0)
        now = spent - self.forecast.spent
        end = spent + Tokens(now.tokens_in / answers * left, now.tokens_out / answers * left)
        self.say(
            f"{answers:,} answers ({answers - done.answers['']:,} bad, {done.retries:,} retries), {left:,} left; so far "
            f"{in_words(spent, self.prices)}; in the end about {in_words(end, self.prices)}"
        )


def in_sentences(forecast: Forecast, prices: Prices) -> str:
    """A forecast in words."""
    left = forecast.requests - forecast.answered
    kept = (
        f"{forecast.answered:,} of {forecast.requests:,} documents are answered already, for {in_words(forecast.spent, prices)}. "
        if forecast.answered
        else ""
    )
    if not left:
        return f"{kept}Nothing is to be asked."
    return f"{kept}To ask for {left:,}: about {in_words(forecast.likely, prices)}, at most {in_words(forecast.most, prices)}."


def by_reason(bad: Mapping[str, int]) -> list[str]:
    """A line for each reason for which answers are bad."""
    return [f"{count:,} {reason}: {BAD[reason]}" for reason, count in bad.items()]


def as_data(done: Labelling) -> dict[str, Any]:
    """A run as plain data, for programs."""
    return {**asdict(done), "out": str(done.out)}
