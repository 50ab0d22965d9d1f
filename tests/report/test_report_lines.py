"""The report's repeated lines are those of the stage, added up over shards and sources."""

from pathlib import Path

import pytest
from support.corpora import make_recipe, page, prose, write_warc, write_wikipedia

from corpus_builder import Serial, build
from corpus_builder.built import Built
from corpus_builder.report.lines import repeated_lines

NOTICE = "本サイトの文章の無断転載を禁じます。"


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Built:
    directory: Path = tmp_path_factory.mktemp("report")
    for name, numbers in (("web-a", range(5)), ("web-b", range(5, 9))):
        write_warc(directory / f"{name}.warc.gz", [page(n, f"{prose(n)}\n{NOTICE}") for n in numbers])
    write_wikipedia(directory / "jawiki.xml.bz2", [(5, "港町", f"'''港町'''は町である。\n\n{prose(50)}")])
    return build(make_recipe(directory, lines={}), directory / "out", Serial())


def test_counts_are_added_up_over_shards(cut: Built) -> None:
    found = repeated_lines(cut.manifests, cut.recipe)
    assert found is not None
    assert found.sources == (("web", 9, 9, 9 * len(NOTICE)), ("wikipedia", 0, 0, 0))
    assert found.lines == (
        {
            "host": "www.example",
            "place": "end",
            "line": NOTICE,
            "documents": 9,
            "hosts": 0,
            "lines": 9,
            "characters": 9 * len(NOTICE),
        },
    )


def test_a_build_that_has_not_come_so_far_has_none(cut: Built) -> None:
    half = {name: manifest for name, manifest in cut.manifests.items() if name != "lines"}
    assert repeated_lines(half, cut.recipe) is None


def test_sources_that_take_no_part_are_not_there(cut: Built) -> None:
    recipe = cut.recipe.model_copy(update={"lines": cut.recipe.lines.model_copy(update={"sources": ("wikipedia",)})})
    done = build(recipe, cut.out.parent / "other", Serial())
    found = repeated_lines(done.manifests, done.recipe)
    assert found is not None
    assert (found.sources, found.lines) == ((("wikipedia", 0, 0, 0),), ())
