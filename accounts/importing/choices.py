"""Which of two readings a file uses: found out from the cells that allow one only, else asked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from accounts.importing.errors import Question


@dataclass(frozen=True)
class Evidence:
    """What one cell says: does it fit the first reading, the second, and do they differ?"""

    fits_first: bool
    fits_second: bool
    differ: bool


@dataclass(frozen=True)
class Settled:
    """`answer` is None when the file must not be read before a person has chosen."""

    answer: str | None
    question: Question | None = None


def settle(
    *,
    option: str,
    answers: tuple[str, str],
    columns: Iterable[tuple[str, Iterable[str]]],
    weigh: Callable[[str], Evidence],
    readings: Callable[[str], tuple[str, str]],
    default: str,
) -> Settled:
    """Choose between two readings of (header, distinct texts) columns.

    A cell that fits one reading only is evidence. Cells that fit both with different results need
    evidence, all of it for the same reading; otherwise the file is not read and the question goes to a
    person. Without any such cell the reading with more evidence holds and the others are refused alone.
    """
    counts, doubtful = _count(columns, weigh)
    if doubtful and (not any(counts) or all(counts)):
        return Settled(None, _question(option, answers, doubtful, readings(doubtful[1])))
    if counts[0] == counts[1]:
        return Settled(default)
    return Settled(answers[0] if counts[0] > counts[1] else answers[1])


def _count(
    columns: Iterable[tuple[str, Iterable[str]]], weigh: Callable[[str], Evidence]
) -> tuple[tuple[int, int], tuple[str, str] | None]:
    """((cells that fit only the first, only the second), the first cell in doubt with its header)."""
    only_first = only_second = 0
    doubtful: tuple[str, str] | None = None
    for header, texts in columns:
        for text in texts:
            evidence = weigh(text)
            only_first += evidence.fits_first and not evidence.fits_second
            only_second += evidence.fits_second and not evidence.fits_first
            if evidence.fits_first and evidence.fits_second and evidence.differ and doubtful is None:
                doubtful = (header, text)
    return (only_first, only_second), doubtful


def _question(
    option: str, answers: tuple[str, str], doubtful: tuple[str, str], means: Sequence[str]
) -> Question:
    return Question(
        option=option,
        column=doubtful[0],
        example=doubtful[1],
        readings=((answers[0], means[0]), (answers[1], means[1])),
    )
