"""corpus_builder builds a Japanese web corpus from Common Crawl WARCs, in the style of the Swallow corpus.

from corpus_builder import Recipe, build

built = build(Recipe.load("pipelines/sample.toml"), "data/corpus/sample")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corpus_builder.built import Built as Built
    from corpus_builder.built import build as build
    from corpus_builder.classifier.labels import Labelled as Labelled
    from corpus_builder.classifier.load import load_classifier as load_classifier
    from corpus_builder.commoncrawl.index import Query as Query
    from corpus_builder.commoncrawl.run import crawl as crawl
    from corpus_builder.deduplication import Deduplicated as Deduplicated
    from corpus_builder.deduplication import deduplicate as deduplicate
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
    from corpus_builder.pages.extract import Extracted as Extracted
    from corpus_builder.preview.extraction import extracted_lines as extracted_lines
    from corpus_builder.preview.judge import Judged as Judged
    from corpus_builder.preview.judge import judge as judge
    from corpus_builder.preview.plan import StagePlan as StagePlan
    from corpus_builder.preview.plan import plan as plan
    from corpus_builder.quality.measures import measure_text as measure_text
    from corpus_builder.quality.measures import measure_texts as measure_texts
    from corpus_builder.quality.rules import Threshold as Threshold
    from corpus_builder.recipe.dedup import Dedup as Dedup
    from corpus_builder.recipe.extract import Extract as Extract
    from corpus_builder.recipe.lines import Lines as Lines
    from corpus_builder.recipe.models import Recipe as Recipe
    from corpus_builder.recipe.quality import Classifier as Classifier
    from corpus_builder.recipe.quality import Quality as Quality
    from corpus_builder.recipe.quality import Rule as Rule
    from corpus_builder.recipe.release import Mixture as Mixture
    from corpus_builder.recipe.release import Release as Release
    from corpus_builder.recipe.select import Select as Select
    from corpus_builder.recipe.select import Tier as Tier
    from corpus_builder.recipe.source import Source as Source
    from corpus_builder.release.publish import publish as publish
    from corpus_builder.selection.by_hand import label_by_hand as label_by_hand
    from corpus_builder.selection.evaluate import Evaluation as Evaluation
    from corpus_builder.selection.evaluate import evaluate as evaluate
    from corpus_builder.selection.label import Labelling as Labelling
    from corpus_builder.selection.label import label as label
    from corpus_builder.selection.likeness import likeness as likeness
    from corpus_builder.selection.loop import Drawing as Drawing
    from corpus_builder.selection.loop import Loop as Loop
    from corpus_builder.selection.loop import loop as loop
    from corpus_builder.selection.sample import Sample as Sample
    from corpus_builder.selection.sample import sample as sample
    from corpus_builder.selection.scoring import score_texts as score_texts
    from corpus_builder.selection.training import train_classifier as train_classifier
    from corpus_builder.selection.whatif import WhatIf as WhatIf
    from corpus_builder.selection.whatif import whatif as whatif

__version__ = "0.1.0"

# Loaded when they are first asked for, so that a user's filter imports in no time.
_WHERE = {
    "built": ("Built", "build"),
    "classifier.labels": ("Labelled",),
    "classifier.load": ("load_classifier",),
    "commoncrawl.index": ("Query",),
    "commoncrawl.run": ("crawl",),
    "deduplication": ("Deduplicated", "deduplicate"),
    "document": ("Document", "Drop", "Filter", "Measure"),
    "engine": ("Ray", "Serial"),
    "errors": ("CorpusError", "InputError", "IntegrityError", "MissingExtraError", "RecipeError", "StageError"),
    "pages.extract": ("Extracted",),
    "preview.extraction": ("extracted_lines",),
    "preview.judge": ("Judged", "judge"),
    "preview.plan": ("StagePlan", "plan"),
    "quality.measures": ("measure_text", "measure_texts"),
    "quality.rules": ("Threshold",),
    "recipe.dedup": ("Dedup",),
    "recipe.extract": ("Extract",),
    "recipe.lines": ("Lines",),
    "recipe.models": ("Recipe",),
    "recipe.quality": ("Classifier", "Quality", "Rule"),
    "recipe.release": ("Mixture", "Release"),
    "recipe.select": ("Select", "Tier"),
    "recipe.source": ("Source",),
    "release.publish": ("publish",),
    "selection.by_hand": ("label_by_hand",),
    "selection.label": ("Labelling", "label"),
    "selection.evaluate": ("Evaluation", "evaluate"),
    "selection.loop": ("Drawing", "Loop", "loop"),
    "selection.likeness": ("likeness",),
    "selection.sample": ("Sample", "sample"),
    "selection.scoring": ("score_texts",),
    "selection.training": ("train_classifier",),
    "selection.whatif": ("WhatIf", "whatif"),
}

_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
