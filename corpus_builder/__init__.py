"""corpus_builder builds a Japanese web corpus from Common Crawl WARCs, in the style of the Swallow corpus.

from corpus_builder import Recipe, build

built = build(Recipe.load("pipelines/sample.toml"), "data/corpus/sample")
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corpus_builder.build import Built, build
    from corpus_builder.document import Document, Drop, Filter, Measure
    from corpus_builder.engine import Ray, Serial
    from corpus_builder.errors import CorpusError, InputError, IntegrityError, MissingExtraError, RecipeError, StageError
    from corpus_builder.judge import Judged, judge
    from corpus_builder.plan import StagePlan, plan
    from corpus_builder.quality.measures import measure_text, measure_texts
    from corpus_builder.quality.rules import Threshold
    from corpus_builder.recipe import Recipe
    from corpus_builder.stages.extract import extracted_lines

__version__ = "0.1.0"

_WHERE = {
    "build": ("Built", "build"),
    "document": ("Document", "Drop", "Filter", "Measure"),
    "engine": ("Ray", "Serial"),
    "errors": ("CorpusError", "InputError", "IntegrityError", "MissingExtraError", "RecipeError", "StageError"),
    "judge": ("Judged", "judge"),
    "plan": ("StagePlan", "plan"),
    "quality.measures": ("measure_text", "measure_texts"),
    "quality.rules": ("Threshold",),
    "recipe": ("Recipe",),
    "stages.extract": ("extracted_lines",),
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
