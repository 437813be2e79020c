"""The words a what-if may try for choices and sets: those the model names, and one that stands for all others.

Never the words of other customers. Whoever may see one customer need not be allowed to see the next, and what was said
of a decision must come out the same for every reader and a year later.
"""

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from allocation.engine.facts.attributes import Attribute
from allocation.engine.facts.rules import ChoiceScale, TieringRules
from allocation.engine.facts.tiering import (
    MISSING_CODE,
    ChoiceColumn,
    Column,
    CustomerColumns,
    SetColumn,
)

# Any word that is not named anywhere. No database keeps a NUL, so it is nobody's own; as a goal it leads no other.
ANOTHER = "\U0010ffff\0"
GOALS = frozenset({"open_goals", "goal"})
_ONE_OF: Mapping[str, str] = {"products": "product", "open_goals": "goal"}


def words_to_try(rules: TieringRules) -> Mapping[str, tuple[str, ...]]:
    """By attribute, in the order written: words of conditions and choice scales; of goals, also those that ask for touch.

    One spelling of each, since words are compared in any case. ``ANOTHER`` is not among them.
    """
    found: dict[str, dict[str, str]] = {}
    for name, word in _named(rules):
        found.setdefault("open_goals" if name in GOALS else name, {}).setdefault(word.casefold(), word)
    return {name: tuple(words.values()) for name, words in found.items()}


def _named(rules: TieringRules) -> Iterator[tuple[str, str]]:
    for condition in rules.conditions():
        if isinstance(condition.value, tuple):
            yield from ((condition.attribute.name, word) for word in condition.value)
    for criterion in rules.criteria:
        if isinstance(criterion.scale, ChoiceScale):
            yield from ((criterion.attribute.name, word) for word in criterion.scale.points)
    yield from (("open_goals", slug) for slug in rules.goal_order)
    yield from (("open_goals", slug) for slug, level in sorted(rules.goal_touch.items()) if level)


def with_words_to_try(facts: CustomerColumns, rules: TieringRules, names: Set[str]) -> CustomerColumns:
    """The same facts; the choices and sets of these ``names`` have the words to try first, ``ANOTHER`` after them."""
    tried = words_to_try(rules)
    return facts.replaced(
        {
            name: _with_first(column, (*tried.get(name, ()), ANOTHER))
            for name, column in facts.columns.items()
            if name in names and isinstance(column, ChoiceColumn | SetColumn)
        }
    )


def _with_first(column: ChoiceColumn | SetColumn, first: Sequence[str]) -> Column:
    vocabulary = (*first, *sorted(set(column.vocabulary) - set(first)))
    places = {word: place for place, word in enumerate(vocabulary)}
    new = np.array([places[word] for word in column.vocabulary], dtype=np.int64)
    if isinstance(column, ChoiceColumn):
        codes = np.array([*new, MISSING_CODE], dtype=np.int64)[column.codes]  # -1 reaches the last entry
        return ChoiceColumn(codes, vocabulary)
    members = np.zeros((len(column.members), len(vocabulary)), dtype=np.bool_)
    members[:, new] = column.members
    return SetColumn(members, vocabulary)


def other_places(column: ChoiceColumn | SetColumn, row: int) -> list[int]:
    """Places in the vocabulary worth trying at a row of ``with_words_to_try``: of a set also what it has, to take out."""
    words = [word.casefold() for word in column.vocabulary]
    tried = range(column.vocabulary.index(ANOTHER) + 1)
    if isinstance(column, ChoiceColumn):
        code = int(column.codes[row])
        return [place for place in tried if code < 0 or words[place] != words[code]]
    own = np.flatnonzero(column.members[row]).tolist()
    has = {words[place] for place in own}
    return sorted({*own, *(place for place in tried if words[place] not in has)})


def said(attribute: Attribute, word: str) -> str:
    """The word, or "another package" for any that is not named."""
    return f"another {_ONE_OF.get(attribute.name, attribute.label)}" if word == ANOTHER else word
