"""Policies of labelling: files that say what a model is asked about a document, and what its answers may be.

The shipped ones are in `policies/` beside this module, and are found by their names; any other is a TOML file of that form.
The JSON schema of the answers is made from the fields, and so is the list of them that the prompt shows in place of {fields}.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field as Key
from pydantic import ValidationError, model_validator

from corpus_builder.classifier.model import Property
from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.llm.request import Request, parsed
from corpus_builder.messages.surrogates import surrogates_replaced
from corpus_builder.recipe.errors import explain
from corpus_builder.recipe.part import Items, Part
from corpus_builder.store.names import digest_of

SHIPPED = Path(__file__).parent / "policies"
CUT = "\n[…]\n"
"""Stands where a text was cut, between its beginning and its end."""


class Field(Part):
    """One field of the answer: a property that becomes a label, a step on the way to one, or a note."""

    name: str = Key(pattern=r"^[a-z][a-z0-9_]*$")
    """What it is called in the answer and among the labels."""
    kind: Literal["binary", "graded", "category", "note"]
    """0 or 1; a whole number; a name; or a short text, which comes before what it explains and becomes no label."""
    about: str = ""
    """What the model is told of it."""
    values: dict[str, str] | Items[int | str] = ()
    """The grades in order, or the names of a category; a table tells what each means."""
    sum_of: Items[str] = ()
    """Of a grade: the fields before it whose sum it is.  The model is not asked for it."""
    label: bool = True
    """Whether it becomes a label."""
    max_characters: int = Key(default=120, ge=1)
    """Of a note."""

    @model_validator(mode="after")
    def _sound(self) -> Field:
        if self.kind == "graded" and not self.sum_of:
            grades = [int(one) for one in self.values if str(one).lstrip("-").isdecimal()]
            if len(grades) != len(self.values) or len(grades) < 2 or grades != sorted(set(grades)):
                raise ValueError("a graded field has two or more whole numbers as values, in order: values = [0, 1, 2]")
        if self.kind == "category" and (len(self.values) < 2 or len(set(self.names)) < len(self.values)):
            raise ValueError('a category has two or more names as values: values = ["news", "shop"]')
        if self.kind in ("binary", "note") and self.values:
            raise ValueError(f"values = ... goes with a grade or a category, not with a field of kind {self.kind!r}")
        if self.sum_of and (self.kind != "graded" or self.values):
            raise ValueError("sum_of goes with a graded field without values")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Its values as labels write them."""
        return ("0", "1") if self.kind == "binary" else tuple(map(str, self.values))

    @property
    def values_schema(self) -> dict[str, Any]:
        """The JSON schema of its value."""
        if self.kind == "note":
            return {"type": "string", "maxLength": self.max_characters}
        if self.kind == "category":
            return {"type": "string", "enum": list(self.names)}
        return {"type": "integer", "enum": [int(one) for one in self.names]}

    @property
    def shown(self) -> str:
        """The line that the prompt has about it, with a line for each value whose meaning is told."""
        what = f"text, at most {self.max_characters} characters" if self.kind == "note" else " | ".join(self.names)
        lines = [f"- {self.name} ({what})" + (f": {self.about}" if self.about else "")]
        meanings = self.values.items() if isinstance(self.values, Mapping) else ()
        return "\n".join([*lines, *(f"    {value}: {meaning}" for value, meaning in meanings)])


class Prompt(Part):
    """The messages; {fields} stands for the list of fields, and {text} in `user` for the document."""

    system: str = ""
    user: str

    @model_validator(mode="after")
    def _has_text(self) -> Prompt:
        if self.user.count("{text}") != 1:
            raise ValueError("user holds {text} once, where the document is inserted")
        return self


class Example(Part):
    """A document and the right answer to it, shown to the model before the question."""

    text: str
    answer: dict[str, Any]


class PolicyFile(Part):
    """What a policy file says."""

    name: str = Key(pattern=r"^[a-z][a-z0-9_-]*$")
    """Names the policy in labels."""
    about: str = ""
    """What it is for, and where its rules come from."""
    max_characters: int = Key(default=4_000, ge=1)
    """Of a text that is longer the rest is not shown."""
    end_characters: int = Key(default=0, ge=0)
    """How many of them are taken from the end of the text."""
    likely_tokens: int = Key(default=100, ge=1)
    """About how long an answer is, for the forecast of costs."""
    prompt: Prompt
    fields: Items[Field] = Key(min_length=1)
    examples: Items[Example] = ()
    parameters: dict[str, Any] = Key(default_factory=dict)
    """What the request has besides messages and model, such as temperature and max_tokens."""

    @model_validator(mode="after")
    def _sound(self) -> PolicyFile:
        names = [one.name for one in self.fields]
        if twice := next((one for one in names if names.count(one) > 1), ""):
            raise ValueError(f"two fields are called {twice!r}")
        grades: set[str] = set()
        for one in self.fields:
            for part in one.sum_of:
                if part not in grades:
                    raise ValueError(
                        f"{one.name}: sum_of names {part!r}, which is no grade or binary field before it{did_you_mean(part, grades)}"
                    )
            if one.kind in ("graded", "binary") and not one.sum_of:
                grades.add(one.name)
        if not any(one.label and one.kind != "note" for one in self.fields):
            raise ValueError("no field becomes a label")
        if self.end_characters >= self.max_characters:
            raise ValueError("end_characters is a part of max_characters, and has to be less")
        if reserved := {"model", "messages", "response_format", "stream", "n"} & set(self.parameters):
            raise ValueError(f"parameters: {min(reserved)!r} is set by the command")
        return self


@dataclass(frozen=True)
class Policy:
    """A policy: its file's content, and what follows from it."""

    file: PolicyFile

    @classmethod
    def load(cls, policy: str | Path, parameters: Mapping[str, Any] | None = None) -> Policy:
        """A shipped policy by its name, or a file; `parameters` replace those of the file, and None removes one.

        Raises RecipeError, a sentence, if there is none or if it is wrong.
        """
        path = SHIPPED / f"{policy}.toml" if str(policy) in shipped() else Path(policy)
        try:
            value = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RecipeError(
                f"There is no policy {policy}{did_you_mean(str(policy), shipped()) or '.'} The shipped ones are {', '.join(shipped())}, and any "
                "other is a TOML file."
            ) from error
        except OSError as error:
            raise RecipeError(f"The policy {path} cannot be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} is not TOML: {error}.") from error
        wanted = {**value.get("parameters", {}), **(parameters or {})} if isinstance(value.get("parameters", {}), dict) else None
        if wanted is not None:
            value["parameters"] = {name: one for name, one in wanted.items() if one is not None}
        try:
            made = cls(PolicyFile.model_validate(value))
        except ValidationError as error:
            raise RecipeError(explain(error, str(path), PolicyFile)) from None
        for number, example in enumerate(made.file.examples):
            if wrong := parsed(_packed(example.answer), made.schema)[2]:
                raise RecipeError(f"{path}: the answer of examples[{number}] is not of the policy's own fields: {wrong}.")
        return made

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields that the model fills in."""
        return tuple(one for one in self.file.fields if not one.sum_of)

    @cached_property
    def properties(self) -> tuple[Property, ...]:
        """What becomes labels."""
        kept = [one for one in self.file.fields if one.label and one.kind != "note"]
        return tuple(Property(one.name, one.kind, self._values(one)) for one in kept if one.kind != "note")

    def _values(self, field: Field) -> tuple[str, ...]:
        if not field.sum_of:
            return field.names
        asked = {one.name: [int(value) for value in one.names] for one in self.asked if one.kind in ("graded", "binary")}
        parts = [asked[part] for part in field.sum_of]
        return tuple(map(str, range(sum(map(min, parts)), sum(map(max, parts)) + 1)))

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of an answer: exactly these fields, in this order."""
        return {
            "type": "object",
            "properties": {one.name: one.values_schema for one in self.asked},
            "required": [one.name for one in self.asked],
            "additionalProperties": False,
        }

    @cached_property
    def _before(self) -> tuple[dict[str, str], ...]:
        """The messages before the document's."""
        system = self.file.prompt.system.replace("{fields}", self._fields)
        shown: list[dict[str, str]] = [{"role": "system", "content": system}] if system else []
        for one in self.file.examples:
            shown += [
                {"role": "user", "content": self._question(one.text)},
                {"role": "assistant", "content": _packed(one.answer)},
            ]
        return tuple(shown)

    @cached_property
    def _fields(self) -> str:
        return "\n".join(one.shown for one in self.asked)

    def _question(self, text: str) -> str:
        before, _, after = self.file.prompt.user.replace("{fields}", self._fields).partition("{text}")
        return f"{before}{text}{after}"

    @cached_property
    def prompt_digest(self) -> str:
        """Digest of all that the model is told besides the document; 32 hex digits."""
        return digest_of(
            [self._before, self._question("{text}"), self.schema, self.file.max_characters, self.file.end_characters]
        )

    @cached_property
    def digest(self) -> str:
        """Digest of the policy: of its prompt, and of how answers become labels; 32 hex digits.  Comments do not count."""
        labels = [[one.name, one.kind, list(one.values)] for one in self.properties]
        return digest_of([self.prompt_digest, labels, [[one.name, list(one.sum_of)] for one in self.file.fields if one.sum_of]])

    def cut(self, text: str) -> str:
        """The part of a text that the model sees."""
        most, end = self.file.max_characters, self.file.end_characters
        text = surrogates_replaced(text)
        if len(text) <= most:
            return text
        return f"{text[: most - end]}{CUT}{text[len(text) - end :]}" if end else text[:most]

    def request(self, text: str) -> Request:
        """The question about a document."""
        shown = self.cut(text)
        messages = (*self._before, {"role": "user", "content": self._question(shown)})
        return Request(messages, self.prompt_digest, digest_of(shown), self.file.parameters, self.schema, self.file.likely_tokens)

    def labels(self, answer: Mapping[str, Any]) -> dict[str, float | str]:
        """The labels in an answer of the schema, by property."""
        found: dict[str, float | str] = {}
        for one in self.file.fields:
            if one.kind != "note" and one.label:
                value = sum(int(answer[part]) for part in one.sum_of) if one.sum_of else answer[one.name]
                found[one.name] = value if isinstance(value, str) else int(value)
        return found


def shipped() -> list[str]:
    """The names of the policies that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def _packed(answer: Mapping[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False)
