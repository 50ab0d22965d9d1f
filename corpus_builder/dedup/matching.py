"""Who lost to whom, by the keep-first rule, without a graph.

Documents are ranked by (order, shard, number), the smallest first.  Among the documents that share a band key, the first wins and
all others lose to it.  A document that loses in any band is dropped, whatever becomes of the winner.  So two survivors never
share a band: deduplicating the survivors drops nobody.  Source of the rule: doubri, the tool behind the Swallow corpora.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Pairs:
    """(loser, winner) pairs, as columns of one length; a shard is its place in the list of shards."""

    loser_shard: I32
    loser_number: I64
    winner_order: I64
    winner_shard: I32
    winner_number: I64


def keep_first(keys: U64, order: I64, shard: I32, number: I64) -> Pairs:
    """Pairs of all groups of equal keys; a document does not lose to itself.  Any order of the rows gives the same pairs."""
    by_rank = np.lexsort((number, shard, order, keys))
    keys, order, shard, number = keys[by_rank], order[by_rank], shard[by_rank], number[by_rank]
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    winner = np.maximum.accumulate(np.where(first, np.arange(len(keys)), 0)) if len(keys) else np.zeros(0, dtype=np.int64)
    lost = (shard != shard[winner]) | (number != number[winner])
    winner = winner[lost]
    return Pairs(shard[lost], number[lost], order[winner], shard[winner], number[winner])


def best_winner(pairs: Pairs) -> Pairs:
    """One pair per loser, with the winner that ranks first; sorted by (loser_shard, loser_number).

    The best winners of some pairs are found from the best winners of any parts of them.
    """
    by_loser = np.lexsort((pairs.winner_number, pairs.winner_shard, pairs.winner_order, pairs.loser_number, pairs.loser_shard))
    loser_shard, loser_number = pairs.loser_shard[by_loser], pairs.loser_number[by_loser]
    first = np.ones(len(by_loser), dtype=np.bool_)
    first[1:] = (loser_shard[1:] != loser_shard[:-1]) | (loser_number[1:] != loser_number[:-1])
    chosen = by_loser[first]
    return Pairs(
        pairs.loser_shard[chosen],
        pairs.loser_number[chosen],
        pairs.winner_order[chosen],
        pairs.winner_shard[chosen],
        pairs.winner_number[chosen],
    )
