"""Labels without labelling: what is like a source of a build that is known to be good, such as its Wikipedia.

Swallow corpus v2's first classifier is of this kind: 37,999 articles of Wikipedia against as many random documents of the corpus (NLP2025 C1-5).
"""

from __future__ import annotations

from corpus_builder.built import Built
from corpus_builder.classifier.labels import Labelled
from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.release.mixture import keyed_number
from corpus_builder.selection.columns import Columns
from corpus_builder.selection.draw import Candidate, Lot
from corpus_builder.selection.sample import read_drawn


def likeness(built: Built, source: str, count: int, seed: int = 0) -> list[Labelled]:
    """Up to `count` random documents of a source, labelled 1, and as many of all other sources, labelled 0; the property has the source's name.

    The same build and seed give the same documents.  Those of the source have no host, so that each is split from the others, as all of an
    encyclopedia is one host.  Raises RecipeError if the build has no such source, or no other.
    """
    columns = Columns.of(built)
    sources = sorted(set(columns.shards().values()))
    if source not in sources or len(sources) < 2:
        raise RecipeError(
            f"Documents like those of {source!r} cannot be learned from the build in {built.out}: its sources are "
            f"{', '.join(sources)}, and this one and another are needed{'.' if source in sources else did_you_mean(source, sources) or '.'}"
        )
    lots = Lot(count), Lot(count)
    for group in columns.groups(["id"]):
        lot = lots[group.source == source]
        for row, id_ in enumerate(group.rows.column("id").to_pylist()):
            if (number := keyed_number(seed, "likeness", id_)) < lot.bound:
                lot.offer(Candidate(number, id_, "", (group.shard, group.number, row)))
    drawn = [[one for one, _ in lot.drawn(count)] for lot in lots]
    size = min(map(len, drawn))
    found = read_drawn(columns, [(one, source, 1.0) for lot in drawn for one in lot[:size]])
    return [
        Labelled(
            one.text,
            {source: float(one.source == source)},
            one.id,
            "" if one.source == source else one.host,
            one.source,
            f"source of {built.recipe.name}",
        )
        for one in found
    ]
