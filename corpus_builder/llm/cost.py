"""What requests cost: tokens estimated before, counted during, and a budget that is not exceeded."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from corpus_builder.errors import RecipeError, StageError

MESSAGE_TOKENS = 8  # ours: what a chat template adds to a message, rounded up


class BudgetError(StageError):
    """The budget is used up; what was answered is kept."""


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has: one for a character beyond ASCII, 0.3 for one of ASCII, rounded up.

    Ours, on the safe side: tokenizers of today's large models need 0.6 to 1.0 for a Japanese character; byte-level ones of small
    English models need more.  The forecast is corrected by what servers count.

    >>> estimated_tokens("吾輩は猫である。"), estimated_tokens("I am a cat.")
    (8, 4)
    """
    beyond = sum(not character.isascii() for character in text) if not text.isascii() else 0
    return beyond + -(-3 * (len(text) - beyond) // 10)


def most_tokens(parameters: Mapping[str, Any], likely: int) -> int:
    """The longest answer that a request allows; four times a likely one if it sets no limit."""
    limits = [parameters[name] for name in ("max_completion_tokens", "max_tokens") if isinstance(parameters.get(name), int)]
    return max(limits) if limits else 4 * likely


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per million tokens, in any currency; None if unknown."""

    tokens_in: float | None = None
    tokens_out: float | None = None

    @property
    def known(self) -> bool:
        """Whether costs can be told in money."""
        return self.tokens_in is not None or self.tokens_out is not None

    def of(self, tokens_in: float, tokens_out: float) -> float:
        """The price of so many tokens."""
        return (tokens_in * (self.tokens_in or 0.0) + tokens_out * (self.tokens_out or 0.0)) / 1e6


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of requests and of answers."""

    tokens_in: float = 0
    tokens_out: float = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)

    def __sub__(self, other: Tokens) -> Tokens:
        return Tokens(self.tokens_in - other.tokens_in, self.tokens_out - other.tokens_out)

    @property
    def all(self) -> float:
        """Both together."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent in all, earlier runs that answered the same requests included; None: no limit."""

    money: float | None = None
    tokens: int | None = None

    def check(self, prices: Prices) -> None:
        """Raise RecipeError if the budget cannot be kept."""
        if self.money is not None and not prices.known:
            raise RecipeError(
                "A budget in money needs prices; give --price-in and --price-out, per million tokens, or use --budget-tokens."
            )

    def allows(self, spent: Tokens, prices: Prices) -> bool:
        """Whether so much may be spent."""
        money = self.money is None or prices.of(spent.tokens_in, spent.tokens_out) <= self.money
        return money and (self.tokens is None or spent.all <= self.tokens)


class Ledger:
    """What has been spent and what the requests in flight may cost; thread-safe."""

    def __init__(self, budget: Budget, prices: Prices, spent: Tokens = Tokens()) -> None:
        self.budget, self.prices, self.spent = budget, prices, spent
        self.exhausted = False
        self._reserved = Tokens()
        self._changed = threading.Condition()

    def reserve(self, most: Tokens, stop: threading.Event) -> bool:
        """Set the most that a request can cost aside; waits for those in flight where they may leave enough.  False: the budget ends here."""
        with self._changed:
            while not stop.is_set() and not self.exhausted:
                if self.budget.allows(self.spent + self._reserved + most, self.prices):
                    self._reserved += most
                    return True
                if not self._reserved.all:
                    self.exhausted = True
                else:
                    self._changed.wait(0.5)
            self._changed.notify_all()
            return False

    def settle(self, most: Tokens, cost: Tokens) -> None:
        """Replace what was set aside for a request by what it cost."""
        with self._changed:
            self._reserved -= most
            self.spent += cost
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will ask: requests in all, those that are answered already, and the tokens of the rest: likely, and at most."""

    requests: int = 0
    answered: int = 0
    likely: Tokens = Tokens()
    most: Tokens = Tokens()
    spent: Tokens = Tokens()

    def with_request(self, likely: Tokens, most: Tokens, spent: Tokens) -> Forecast:
        """With one more to be asked, on whose bad answers so much was spent already."""
        return replace(
            self, requests=self.requests + 1, likely=self.likely + likely, most=self.most + most, spent=self.spent + spent
        )

    def with_answer(self, cost: Tokens) -> Forecast:
        """With one more that is answered already."""
        return replace(self, requests=self.requests + 1, answered=self.answered + 1, spent=self.spent + cost)


def in_words(tokens: Tokens, prices: Prices) -> str:
    """Tokens and, where prices are known, money.

    >>> in_words(Tokens(1_200_000, 34_000), Prices(0.5, 2))
    '1,234,000 tokens (1,200,000 in, 34,000 out), 0.6680 in money'
    """
    price = prices.of(tokens.tokens_in, tokens.tokens_out)
    money = f", {price:,.{2 if price >= 10 else 4}f} in money" if prices.known else ""
    return f"{tokens.all:,.0f} tokens ({tokens.tokens_in:,.0f} in, {tokens.tokens_out:,.0f} out){money}"
