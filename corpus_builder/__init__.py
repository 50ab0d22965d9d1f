"""corpus_builder builds a Japanese web corpus from Common Crawl WARCs, in the style of the Swallow corpus.

from corpus_builder import Recipe, build

built = build(Recipe.load("pipelines/sample.toml"), "data/corpus/sample")
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corpus_builder.build import Built as Built
    from corpus_builder.build import build as build
    from corpus_builder.commoncrawl.index import Query as Query
    from corpus_builder.commoncrawl.run import crawl as crawl
    from corpus_builder.deduplicate import Deduplicated as Deduplicated
    from corpus_builder.deduplicate import deduplicate as deduplicate
    from corpus_builder.document import Document as Document
    from corpus_builder.document import Drop as Drop
    from corpus_builder.document import Filter as Filter
    from corpus_builder.document import Measure as Measure
    from corpus_builder.engine import Ray as Ray
    from corpus_builder.engine import Serial as Serial
    from corpus_builder.errors import CorpusError as CorpusError
    from corpus_builder.errors import InputError as InputError
    from corpus_builder.errors import IntegrityError as IntegrityError
    from corpus_builder.errors import MissingExtraError as MissingExtraError
    from corpus_builder.errors import RecipeError as RecipeError
    from corpus_builder.errors import StageError as StageError
    from corpus_builder.judge import Judged as Judged
    from corpus_builder.judge import judge as judge
    from corpus_builder.plan import StagePlan as StagePlan
    from corpus_builder.plan import plan as plan
    from corpus_builder.publish import publish as publish
    from corpus_builder.quality.measures import measure_text as measure_text
    from corpus_builder.quality.measures import measure_texts as measure_texts
    from corpus_builder.quality.rules import Threshold as Threshold
    from corpus_builder.recipe import Recipe as Recipe
    from corpus_builder.stages.preview import extracted_lines as extracted_lines

__version__ = "0.1.0"

_WHERE = {
    "commoncrawl.index": ("Query",),
    "commoncrawl.run": ("crawl",),
    "publish": ("publish",),
    "build": ("Built", "build"),
    "deduplicate": ("Deduplicated", "deduplicate"),
    "document": ("Document", "Drop", "Filter", "Measure"),
    "engine": ("Ray", "Serial"),
    "errors": ("CorpusError", "InputError", "IntegrityError", "MissingExtraError", "RecipeError", "StageError"),
    "judge": ("Judged", "judge"),
    "plan": ("StagePlan", "plan"),
    "quality.measures": ("measure_text", "measure_texts"),
    "quality.rules": ("Threshold",),
    "recipe": ("Recipe",),
    "stages.preview": ("extracted_lines",),
}

_ROOM_OF = {name: room for room, names in _WHERE.items() for name in names}

__all__ = sorted(_ROOM_OF)


class _Package(ModuleType):
    """The public names are loaded when they are first asked for, so that a user's filter imports in no time.

    `build`, `plan` and `judge` are functions here, though modules of the same names exist: what the import system sets when it
    loads such a module is left aside.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _ROOM_OF:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(sys.modules.get(full := f"{self.__name__}.{_ROOM_OF[name]}") or import_module(full), name)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _ROOM_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Package
