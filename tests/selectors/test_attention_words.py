"""How a customer's attention came, in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from allocation.engine.attention import attention_weight, net_hours, share_attention
from allocation.engine.facts.attention import AttentionRules, Basis, CareFacts
from allocation.selectors.attention_words import net_lines, share_trace, weight_words
from allocation.selectors.wording import difference, hours_and_minutes
from tests.pages.reading import plain


def care(external_id: str = "a", base: int = 0, **facts: Any) -> CareFacts:
    return CareFacts(external_id=external_id, base_minutes=base, **facts)


@pytest.mark.parametrize(
    ("basis", "facts", "words"),
    [
        (
            "need",
            {"health": Decimal("40.0"), "sentiment": 1, "adoption": Decimal(80), "days_to_renewal": 45},
            "need 0.64, the mean over health 40, sentiment 1 of 5, adoption 80, renewal nearness 0.75",
        ),
        ("need", {"health": Decimal(50)}, "need 0.50, the mean over health 50"),
        ("need", {}, "0, as nothing is known of its need"),
        (
            "expansion",
            {"arr": Decimal("225000.4"), "potential_arr": Decimal(350_000)},
            "125,000 USD of expansion, potential 350,000 USD less ARR 225,000 USD",
        ),
        ("expansion", {"arr": Decimal(5)}, "0, as the potential ARR is not known"),
        ("advocacy", {"reputation": Decimal(60), "champion": True}, "0.90, reputation 60 ÷ 100 × 1.5 for a champion"),
        ("advocacy", {"reputation": Decimal(60)}, "0.60, reputation 60 ÷ 100"),
        ("advocacy", {"champion": True}, "0, as the reputation is not known"),
        (
            "return",
            {"arr": Decimal(100), "potential_arr": Decimal(300)},
            "100 USD: ARR × (100 − health) ÷ 100 × nearness of the renewal, and half the expansion, as there is no champion",
        ),
        ("even", {}, "1, as everybody's"),
    ],
)  # fmt: skip
def test_a_weight_says_what_it_is_made_of(basis: Basis, facts: Any, words: str) -> None:
    one = care(**facts)
    assert (
        plain(weight_words(facts=one, basis=basis, weight=attention_weight(customer=one, basis=basis)))
        == words
    )


def trace(rules: AttentionRules, *book: CareFacts, net: int = 600) -> str:
    """Of the first customer of the book."""
    found = share_attention(net=net, customers=book, rules=rules)
    return plain(share_trace(share=found.shares[0], facts=book[0], found=found, rules=rules))


def test_a_share_over_capacity_by_no_weight_and_by_equal_ones() -> None:
    voices = AttentionRules("advocacy")
    assert trace(voices, care("a", 700)) == "Nothing is left to share: the base hours ask more than there is."
    assert trace(voices, care("a"), care("b")).endswith(
        "No customer has a weight by this basis, so all get the same."
    )
    silent, loud = care("a", reputation=Decimal(0)), care("b", reputation=Decimal(9))
    assert "10:00 × 0.0 % of all weight = 0:00" in trace(voices, silent, loud)
    half = AttentionRules("advocacy", cap_pct=Decimal(50))
    assert "Without a weight there is no share." in trace(half, silent, loud)


def test_the_lines_of_the_net_hours_add_up() -> None:
    net = net_hours(
        hours_per_month=Decimal(161), ramp_pct=Decimal(33), overhead_pct=Decimal(7), days_away=1, days=30
    )
    figures = [figure for _, figure, _ in net_lines(net, days_away=1, month=30)]

    def minutes(text: str) -> int:
        hours, rest = text.lstrip("+−±").split(":")
        return (-1 if text.startswith("−") else 1) * (int(hours) * 60 + int(rest))

    assert sum(minutes(figure) for figure in figures[:-1]) == minutes(figures[-1]) == net.net


@pytest.mark.parametrize(
    ("minutes", "plainly", "as_change"),
    [(0, "0:00", "±0"), (5, "0:05", "+0:05"), (-95, "−1:35", "−1:35"), (90_000, "1,500:00", "+1,500:00")],
)
def test_minutes_as_hours_and_minutes(minutes: int, plainly: str, as_change: str) -> None:
    assert (hours_and_minutes(minutes), difference(minutes)) == (plainly, as_change)
