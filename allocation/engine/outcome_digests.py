"""One number for everything that was decided of a customer and the facts it was decided by, to tell whether a run found anything new.

Column by column: each value becomes 64 bits (a number as it is, a word as a digest of its own), and those of a customer are
mixed one after the other. For noticing a change, not for secrecy.
"""

from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np

from allocation.engine.facts.tiering import ChoiceColumn, Floats, Integers, SetColumn
from allocation.engine.kept import CHOICES, Outcomes
from allocation.engine.mixing import Bits, mixed

# The tier held before is where a decision begins, no part of what it says.
DECIDED = tuple(name for name in CHOICES if name != "previous")
NO_SCORE = -1  # in hundredths


def outcome_digests(outcomes: Outcomes) -> Integers:
    """Signed numbers of 64 bits: the same decision and facts give the same on any machine, under any other order of words.

    Where the rule stands in the model is left out, since a rule put before it changes nothing.
    """
    parts = [_words(getattr(outcomes, name)) for name in DECIDED]
    parts += [_members(outcomes.guards), _hundredths(outcomes.score)]
    parts += [outcomes.digests[name].astype(np.int64).view(np.uint64) for name in sorted(outcomes.digests)]
    found: Bits = np.zeros(len(outcomes.keys), dtype=np.uint64)
    for part in parts:
        found = mixed(mixed(found) + part)  # mixed before each is added, so that no two of them change places
    return found.view(np.int64)


@cache
def _of_word(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big")


def _vocabulary(words: tuple[str, ...], *more: int) -> Bits:
    return np.array([*map(_of_word, words), *more], dtype=np.uint64)


def _words(column: ChoiceColumn) -> Bits:
    return np.asarray(_vocabulary(column.vocabulary, 0)[column.codes])  # -1 reaches the last one


def _members(column: SetColumn) -> Bits:
    """The sum of the members' digests: their order says nothing."""
    none: Any = np.uint64(0)
    found = np.where(column.members, _vocabulary(column.vocabulary), none)
    return np.asarray(found.sum(axis=1, dtype=np.uint64))


def _hundredths(scores: Floats) -> Bits:
    missing = np.isnan(scores)
    whole = np.rint(np.where(missing, 0.0, scores) * 100).astype(np.int64)
    return np.where(missing, NO_SCORE, whole).view(np.uint64)
