"""Judging a plan of books from outside: its points, every limit, and what the prices of its proof prove.

Own code from facts, policy and proposal, written from ``docs/engine/books.md`` and slow on purpose (customer by customer, CSM by
CSM). Nothing comes from the planner but the targets, which are part of the question and not of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from allocation.engine.facts.books import (
    BookFacts,
    BookPolicy,
    BookProposal,
    PoolProof,
)
from tests.engine.books_question import CLOSE, NAMES, NOBODY, Question

MOVE_BUDGET, IDLE, WAITING = "Move budget", "CSMs without customers", "Customers without a CSM"


def faults(facts: BookFacts, policy: BookPolicy, proposal: BookProposal) -> list[str]:
    """Everything that is wrong with a plan and its proof, in sentences; none = it is what it says."""
    question = Question(facts, policy)
    try:
        seat = question.seats(proposal.assignment)
    except KeyError as unknown:
        return [f"assignment: {unknown} is missing or unknown"]
    answer = Answer(question, seat, proposal)
    return [*answer.broken_limits(), *answer.wrong_points(), *answer.wrong_proof()]


class Answer:
    """A plan for a question: who sits where, and what its proof says."""

    def __init__(self, question: Question, seat: Sequence[int], proposal: BookProposal) -> None:
        self.q, self.seat, self.proposal = question, list(seat), proposal
        self.who: list[list[int]] = [[] for _ in range(question.m)]
        for i, j in enumerate(self.seat):
            if j != NOBODY:
                self.who[j].append(i)
        self.lines = [line for line in proposal.proof if line.prices.get("csms")]
        self.closed = self._closed()
        self.anchors = self._anchors()

    # --- limits

    def broken_limits(self) -> list[str]:
        """Hard limits that somebody who is given a customer breaks, holds, and the budget."""
        q, found = self.q, []
        for j, book in enumerate(self.who):
            new = [i for i in book if q.current[i] != j]
            before = [i for i in range(q.n) if q.current[i] == j]
            load, key = sum(int(q.minutes[i]) for i in book), q.csms[j].key
            if new and not q.open(j):
                found.append(f"limit: {key} takes nobody")
            if load > q.capacity[j] and (new or load > sum(int(q.minutes[i]) for i in before)):
                found.append(f"limit: {key} is out of hours")
            for slug in q.tiers:
                held = sum(q.rows[i]["tier"] == slug for i in book)
                had = sum(q.rows[i]["tier"] == slug for i in before)
                if held > q.cap(j, slug) and (new or held > had):
                    found.append(f"limit: {key} is over the cap of {slug}")
            found += [f"limit: {key} is not able for {q.ids[i]}" for i in new if not q.able(i, j)]
            found += [f"limit: {key} may not have {q.ids[i]} by law" for i in book if not q.lawful(i, j)]
            found += [f"limit: {key} is gone and has {q.ids[i]}" for i in book if q.csms[j].leaving == "gone"]
        found += [f"hold: {q.ids[i]}" for i in range(q.n) if q.fixed[i] and self.seat[i] != q.current[i]]
        found += [f"seat lost: {q.ids[i]}" for i in range(q.n) if q.has_seat(i) and self.seat[i] == NOBODY]
        chosen = [i for i in range(q.n) if q.away(i, self.seat[i])]
        used = {"moves": len(chosen), "moves_arr": sum(int(q.cents[i]) for i in chosen)}
        found += [f"budget: {name}" for name, limit in q.move_limits().items() if used[name] > limit]
        told = self.proposal.budget
        if (told.chosen, told.chosen_arr_cents) != (used["moves"], used["moves_arr"]):
            found.append("budget: not what was moved by choice")
        if (told.chosen_limit, told.chosen_arr_limit_cents) != tuple(
            q.move_limits().get(name) for name in ("moves", "moves_arr")
        ):
            found.append("budget: not the limits of the policy")
        if sorted(move.external_id for move in self.proposal.moves if move.kind == "chosen") != [
            q.ids[i] for i in chosen
        ]:
            found.append("moves: not those by choice")
        return found

    # --- points

    def parts(self, anchors: Mapping[str, int]) -> dict[str, float]:
        """The objective, part by part."""
        q = self.q
        every = range(q.m)
        made = {name: sum(self.off(k, j) for j in every) for k, name in enumerate(NAMES)}
        pairs = sum(q.cost(i, j, anchors) for i, j in enumerate(self.seat) if j != NOBODY)
        moved = sum(q.weight[i] for i, j in enumerate(self.seat) if j != NOBODY and q.away(i, j))
        made["continuity"] = q.policy.weight_continuity * moved
        made["fit"] = pairs - made["continuity"]
        made["left_out"] = sum(
            q.left_out_points(i) for i, j in enumerate(self.seat) if j == NOBODY and q.servable(i)
        )
        return made

    def off(self, k: int, j: int) -> float:
        """Points of a CSM for being off a target."""
        targets, scale = self.q.targets
        load = float(self.q.amounts[k, self.who[j]].sum())
        far = abs(load - targets[k, j]) / scale[k, j] - self.q.bands[k]
        return self.q.weights[NAMES[k]] * max(0.0, far)

    def wrong_points(self) -> list[str]:
        """Where the objective or a part of it is not what the assignment costs."""
        made, found = self.parts(self.anchors), []
        for name, points in made.items():
            if abs(points - self.proposal.objective_parts.get(name, 0.0)) > CLOSE:
                found.append(f"points: {name} is {points}, not {self.proposal.objective_parts.get(name)}")
        if abs(sum(made.values()) - self.proposal.objective) > CLOSE:
            found.append(f"points: {sum(made.values())}, not {self.proposal.objective}")
        return found

    def _anchors(self) -> dict[str, int]:
        """Families belong with the CSM of their largest member who may stay; where nobody may, the proof says with whom."""
        q, told = self.q, {}
        place = {csm.key: j for j, csm in enumerate(q.csms)}
        for line in self.lines:
            told |= {name: place[key] for name, key in line.prices.get("families", {}).items()}
        if not q.policy.keep_families_together:
            return q.families()
        return {**told, **q.families()}

    # --- proof

    def _closed(self) -> set[int]:
        """Books over a limit: they take nobody. The proof says what it let them keep."""
        q, closed = self.q, set()
        for line in self.lines:
            for at, key in enumerate(line.prices["csms"]):
                j = q.place.get(key, NOBODY)
                if j == NOBODY:
                    continue
                caps = line.prices["cap_limits"].items()
                if line.prices["capacity"][at] > q.capacity[j] or any(
                    told[at] > q.cap(j, slug) for slug, told in caps
                ):
                    closed.add(j)
        for j, book in enumerate(self.who):
            tiers = [q.rows[i]["tier"] for i in book]
            if sum(int(q.minutes[i]) for i in book) > q.capacity[j] or any(
                tiers.count(slug) > q.cap(j, slug) for slug in q.tiers
            ):
                closed.add(j)
        return closed

    def choices(self, i: int) -> list[int]:
        """Who may have the customer in the plans that the bound is about."""
        q, now = self.q, self.seat[i]
        if q.fixed[i]:
            return [q.current[i]]
        stand_in = now != NOBODY and q.stands_in(i, now)
        stand_in |= q.home[i] and q.stands_in(i, q.current[i])
        first = q.policy.vertical_fit == "specialist_first" and not stand_in
        return [
            j
            for j in range(q.m)
            if j == now
            or q.stays(i, j)
            or (q.may_have(i, j) and j not in self.closed and not (first and q.stands_in(i, j)))
        ]

    def may_be_left_out(self, i: int) -> bool:
        """Who has no seat that it keeps."""
        return self.seat[i] == NOBODY or not self.q.has_seat(i)

    def members(self, line: PoolProof) -> list[int]:
        """Customers whom the CSMs of a line may have."""
        there = {self.q.place[key] for key in line.prices["csms"]}
        return [i for i in range(self.q.n) if there & set(self.choices(i))]

    def line_points(self, line: PoolProof) -> float:
        """What the plan costs in this group; with the price of a move where the budget has a line of its own."""
        q, prices = self.q, line.prices
        total = sum(self.off(k, q.place[key]) for key in prices["csms"] for k in range(3))
        for i in self.members(line):
            j = self.seat[i]
            total += q.left_out_points(i) if j == NOBODY else q.cost(i, j, self.anchors)
            if not prices["move_limits"] and q.away(i, j):
                total += prices["moves"] + prices["moves_arr"] * q.amounts[1, i]
        return total

    def price_bound(self, line: PoolProof) -> float:
        """What the prices of a group prove, pair by pair."""
        q, prices = self.q, line.prices
        csms = [q.place[key] for key in prices["csms"]]
        at = {j: place for place, j in enumerate(csms)}
        targets, scale = q.targets
        lambdas = {NAMES.index(name): values for name, values in prices["measures"].items()}
        total = 0.0
        for i in self.members(line):
            slug, best = q.rows[i]["tier"], math.inf
            for j in self.choices(i):
                if j not in at:
                    return -math.inf  # a customer of two groups
                price = q.cost(i, j, self.anchors) + float(q.minutes[i]) * prices["hours"][at[j]]
                price += prices["caps"][slug][at[j]] if slug in prices["caps"] else 0.0
                price += sum(float(q.amounts[k, i]) * v[at[j]] / scale[k, j] for k, v in lambdas.items())
                if q.away(i, j):
                    price += prices["moves"] + prices["moves_arr"] * float(q.amounts[1, i])
                best = min(best, price)
            if prices["left_out"] and self.may_be_left_out(i):
                best = min(best, q.left_out_points(i) + prices["left_out_price"])
            total += best
        total -= prices["left_out"] * prices["left_out_price"]
        for place, j in enumerate(csms):
            total -= prices["capacity"][place] * prices["hours"][place]
            for slug, sigma in prices["caps"].items():
                total -= prices["cap_limits"][slug][place] * sigma[place] if sigma[place] else 0.0
            for k, values in lambdas.items():
                total -= values[place] * targets[k, j] / scale[k, j] + abs(values[place]) * q.bands[k]
        return float(total - sum(prices[name] * limit for name, limit in prices["move_limits"].items()))

    def wrong_proof(self) -> list[str]:
        """Where the proof says more than its prices prove, or does not add up."""
        proposal = self.proposal
        lines, found = proposal.proof, []
        if abs(sum(line.objective for line in lines) - proposal.objective) > CLOSE:
            found.append(f"proof: objectives add up to {sum(line.objective for line in lines)}")
        told = sum(line.bound for line in lines)
        if proposal.bound is None or abs(min(told, proposal.objective) - proposal.bound) > CLOSE:
            found.append(f"proof: bounds add up to {told}, not {proposal.bound}")
        if proposal.gap_pct != _gap(proposal.objective, proposal.bound or 0.0):
            found.append(
                f"proof: gap {proposal.gap_pct}, not {_gap(proposal.objective, proposal.bound or 0.0)}"
            )
        keys = [key for line in self.lines for key in line.prices["csms"]]
        if len(keys) != len(set(keys)) or not set(keys) <= set(self.q.place):
            return [*found, "proof: CSMs twice or unknown"]
        if sum(line.customers for line in self.lines) != sum(bool(self.choices(i)) for i in range(self.q.n)):
            found.append("proof: not all customers are in a group")
        for line in self.lines:
            found += [f"proof: {', '.join(line.pools)}: {flaw}" for flaw in self._flaws(line)]
        for line in lines:
            if not line.prices.get("csms"):
                found += self._extra(line, set(keys))
        return found

    def _flaws(self, line: PoolProof) -> list[str]:
        found = self._bad_prices(line)
        who = self.members(line)
        if (line.customers, line.csms) != (len(who), len(line.prices["csms"])):
            found.append(f"{line.customers} customers said, {len(who)} there")
        points, proven = self.line_points(line), self.price_bound(line)
        if abs(points - line.objective) > CLOSE:
            found.append(f"costs {points}, not {line.objective}")
        if not proven >= line.price_bound - CLOSE:
            found.append(f"the prices prove {proven}, not {line.price_bound}")
        if line.bound > line.objective + CLOSE:
            found.append("bound above the objective")
        if line.how == "relaxation" and line.bound > line.price_bound + CLOSE:
            found.append("bound above what the prices prove")
        if line.prices["left_out"] != sum(self.seat[i] == NOBODY for i in who):
            found.append("left out: another number")
        return found

    def _bad_prices(self, line: PoolProof) -> list[str]:
        q, prices, found = self.q, line.prices, []
        sigmas = [value for values in prices["caps"].values() for value in values]
        prices_of = [
            *prices["hours"],
            *sigmas,
            prices["left_out_price"],
            prices["moves"],
            prices["moves_arr"],
        ]
        if min(prices_of) < 0:
            found.append("a price below nought")
        for name, values in prices["measures"].items():
            if max(map(abs, values)) > q.weights[name] + 1e-9:
                found.append(f"a price of {name} beyond its weight")
        for at, key in enumerate(prices["csms"]):
            j = q.place[key]
            now, book = prices["capacity"][at], self.who[j]
            before = [i for i in range(q.n) if q.current[i] == j]
            if now > max(q.capacity[j], sum(int(q.minutes[i]) for i in before)):
                found.append(f"hours of {key}: more than there are")
            if now < min(q.capacity[j], sum(int(q.minutes[i]) for i in book)):
                found.append(f"hours of {key}: fewer than there are")
            for slug, limits in prices["cap_limits"].items():
                had = sum(q.rows[i]["tier"] == slug for i in before)
                if prices["caps"][slug][at] and not q.cap(j, slug) <= limits[at] <= max(q.cap(j, slug), had):
                    found.append(f"cap of {key} for {slug}: {limits[at]}")
        units = {"moves": 1.0, "moves_arr": 100.0}
        ours = {name: limit / units[name] for name, limit in q.move_limits().items()}
        if prices["move_limits"] and prices["move_limits"] != ours:
            found.append("another move budget")
        return found

    def _extra(self, line: PoolProof, keys: set[str]) -> list[str]:
        q, name = self.q, ", ".join(line.pools)
        if name == IDLE:
            idle = [j for key, j in q.place.items() if key not in keys]
            points = sum(self.off(k, j) for j in idle for k in range(3))
            floor = points
        elif name == WAITING:
            out = [i for i in range(q.n) if not self.choices(i) and q.servable(i)]
            points = floor = sum(q.left_out_points(i) for i in out)
        elif name == MOVE_BUDGET:
            limits, prices = line.prices["move_limits"], line.prices
            ours = {"moves": 1.0, "moves_arr": 0.01}
            if any(abs(limits[n] - limit * ours[n]) > 1e-6 for n, limit in q.move_limits().items()):
                return [f"proof: {name}: another budget"]
            moved = [i for i in range(q.n) if q.away(i, self.seat[i])]
            points = -sum(
                prices.get("moves", 0.0) + prices.get("moves_arr", 0.0) * q.amounts[1, i] for i in moved
            )
            floor = -sum(prices[n] * limit for n, limit in limits.items())
            if any(abs(prices.get(n, 0.0) - other.prices[n]) > 1e-12 for other in self.lines for n in ours):
                return [f"proof: {name}: another price than in the groups"]
        else:
            return [f"proof: an unknown line {name}"]
        found = []
        if abs(points - line.objective) > 2 * CLOSE:
            found.append(f"proof: {name}: costs {points}, not {line.objective}")
        if line.bound > floor + CLOSE:
            found.append(f"proof: {name}: {floor} is proven, not {line.bound}")
        return found


def _gap(objective: float, bound: float) -> float:
    if objective <= 0 or objective - bound <= 2e-6:
        return 0.0
    return math.ceil(1e4 * 100 * (objective - bound) / objective) / 1e4
