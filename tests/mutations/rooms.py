"""Which tests are those of a module's room."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_MORE: dict[str, tuple[str, ...]] = {
    "build.py": ("test_build.py", "test_staleness.py"),
    "plan.py": ("test_plan.py", "test_opened_first.py"),
    "inputs.py": ("test_build.py", "test_opened_first.py", "test_plan.py"),
    "engine/": ("test_engine.py", "test_run.py"),
    "japanese/": ("japanese/test_detect.py",),
    "main_text/training.py": ("main_text/test_model.py",),
    "main_text/": ("main_text/test_scan.py", "main_text/test_typeset.py", "main_text/test_model.py"),
    "names.py": ("test_names.py",),
    "ownership.py": ("test_ownership.py",),
    "progress.py": ("test_run.py",),
    "quality/reference.py": ("quality/test_measures.py",),
    "quality/rulebook.py": ("quality/test_rules.py", "test_staleness.py"),
    "redact.py": ("test_secrets.py",),
    "custom.py": ("test_custom.py", "test_build.py"),
    "counts.py": ("test_archives.py",),
    "dataset.py": ("test_build.py",),
    "document.py": (),  # the words of the house: no code to speak of
    "errors.py": (),
    "engine.py": ("test_engine.py",),
    "exchange.py": ("test_searches.py",),
    "explain.py": ("dedup/test_forecast.py", "test_cli.py"),
    "files.py": ("test_dataset.py", "test_durability.py"),
    "recipe.py": ("test_recipe.py", "test_staleness.py"),
    "recipe_errors.py": ("test_recipe.py",),
    "rows.py": ("test_rows.py", "test_deduplicate.py"),
    "run.py": ("test_build.py", "test_staleness.py"),
    "searches.py": ("test_searches.py", "test_search_at_scale.py"),
    "shard_files.py": ("test_dataset.py", "test_durability.py"),
    "signed.py": ("test_signed.py",),
    "deduplicate.py": ("test_deduplicate.py", "test_staleness.py"),
    "publish.py": ("test_publish.py",),
    "commoncrawl/": ("test_crawl.py",),
    "dedup/lines.py": ("dedup/test_lines.py", "test_repeated_lines.py"),
    "dedup/matching.py": ("dedup/test_matching.py", "test_searches.py"),
    "dedup/": ("test_searches.py",),
    "index/": ("test_index.py", "test_index_history.py"),
    "release/": ("test_build.py",),
    "remote/": ("sources/test_remote.py",),
    "report/mixture.py": ("test_build.py", "test_plan.py"),
    "report/": ("report",),
    "sources/": ("test_archives.py",),
    "stages/dedup_rows.py": ("test_deduplicate.py", "test_staleness.py"),
    "stages/extract.py": ("test_staleness.py", "test_archives.py"),
    "stages/lines.py": ("test_repeated_lines.py", "test_staleness.py"),
    "stages/line_counts.py": ("test_repeated_lines.py",),
    "stages/links.py": ("test_searches.py", "test_search_at_scale.py"),
    "stages/trees.py": ("test_searches.py", "test_search_at_scale.py", "dedup/test_trees.py"),
    "stages/verdicts.py": ("test_searches.py", "test_search_at_scale.py", "test_index.py"),
    "stages/search.py": ("test_searches.py", "test_search_at_scale.py"),
    "stages/preview.py": ("test_cli.py",),
    "stages/": ("test_staleness.py",),
}


@cache
def room_of(path: str, root: Path) -> tuple[str, ...]:
    """The tests of a module, by its path below the package; none for what is tried by no test of its own (commands, benchmarks)."""
    name = path.rpartition("/")[2]
    if name.startswith(("cli", "bench", "__")):
        return ()
    own = f"{path.rpartition('/')[0]}/test_{name}".lstrip("/")
    more = next((tests for part, tests in _MORE.items() if path == part or (part.endswith("/") and path.startswith(part))), ())
    return tuple(f"tests/{test}" for test in dict.fromkeys((own, *more)) if (root / "tests" / test).exists())
