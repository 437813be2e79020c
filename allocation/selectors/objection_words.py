"""What is said about objections, as sentences: the same on pages, in commands and in refusals. What mail says is in `notice_words`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from allocation.selectors.wording import counted, day

NAMED = 5  # customers named in a sentence; the rest is counted
SILENCE = "Silence is consent: what nobody objects to is applied."


def not_before(*, plan_id: int, until: date) -> str:
    """Why nothing is applied while the window is open."""
    return (
        f"CSMs may object to moves of book plan {plan_id} before {day(until)}; it can be applied from that day on, "
        "or once CS ops close the time to object."
    )


def answer_first(*, plan_id: int, customers: Sequence[str]) -> str:
    """Why nothing is applied while objections wait. customers: external ids of the moves concerned."""
    have = f"{counted(len(customers), 'move')} of book plan {plan_id} {'has' if len(customers) == 1 else 'have'} objections"
    return f"{have} ({named(customers)}): answer them first. Refuse or re-point each, or keep it with words."


def answer_holds(*, customers: Sequence[str]) -> str:
    """Why a move that an objection was answered by is not made good again. customers: external ids."""
    return (
        f"Nothing was changed. An objection was answered by refusing or re-pointing ({named(customers)}), and who objected "
        "was told so: that holds for this plan. Name a CSM whom nobody objected to, or plan again."
    )


def named(customers: Sequence[str]) -> str:
    """The first external ids, and how many more there are."""
    more = len(customers) - NAMED
    return ", ".join(customers[:NAMED]) + (f" and {more} more" if more > 0 else "")


def choose_first(*, plan_id: int, days: int) -> str:
    """Why a plan of several side by side is not applied at once."""
    return (
        f"Book plan {plan_id} is one of several side by side, and the policy gives CSMs {counted(days, 'day')} to object: "
        "choose it by opening it to objections on its page."
    )


def time_is_over(*, until: date) -> str:
    """Why an objection comes too late."""
    return f"The time to object ended on {day(until)}. Talk to CS ops if the move cannot be."


def objected_already(*, on: date, words: str) -> str:
    """Why a second objection of the same person is refused; the first is shown."""
    return f"You objected to this move already, on {day(on)}: “{words}” Take it back to say something else."


def home_line(*, moves: int, until: date) -> str:
    """What a CSM reads on the home page."""
    concern = "concerns" if moves == 1 else "concern"
    return f"{counted(moves, 'move')} {concern} your book: object before {day(until)}"


def to_answer(*, plan_id: int, moves: int) -> str:
    """What whoever answers reads on the home page."""
    return f"Book plan {plan_id}: {counted(moves, 'move')} with objections to answer"


def answer_told(*, answer: str, by: str, on: date, words: str) -> str:
    """An answer in one sentence: "Kept by Mia Manager on 3 Dec 2026: …"."""
    verb = {"refused": "Move refused", "repointed": "Given to somebody else", "kept": "Kept"}[answer]
    return f"{verb} by {by} on {day(on)}: {words}" if words else f"{verb} by {by} on {day(on)}"
