"""Who is away on a day and who serves the book meanwhile: what hours, pages and mail are told by. Ownership is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from accounts.models import Leave


@dataclass(frozen=True, slots=True)
class Away:
    """One CSM who is away. cover_id: who serves the book; None where nobody does.

    named: the cover that is named but does not serve the book on the day (away too, or left); empty otherwise.
    """

    leave_id: int
    csm_id: int
    key: str
    name: str
    starts_on: date
    ends_before: date
    cover_id: int | None = None
    cover_key: str = ""
    cover_name: str = ""
    named: str = ""


@dataclass(frozen=True, slots=True)
class Covers:
    """Everybody away on one day, by the CSM's id."""

    away: Mapping[int, Away] = field(default_factory=dict)

    def served_by(self, csm_id: int | None) -> int | None:
        """Who carries this CSM's customers: the CSM, or the cover."""
        found = self.away.get(csm_id) if csm_id is not None else None
        return csm_id if found is None or found.cover_id is None else found.cover_id

    def covers_of(self, csm_id: int) -> tuple[Away, ...]:
        """Those whose books this CSM serves, by name."""
        found = [one for one in self.away.values() if one.cover_id == csm_id]
        return tuple(sorted(found, key=lambda one: (one.name, one.csm_id)))

    def is_covered(self, csm_id: int) -> bool:
        return self.served_by(csm_id) != csm_id


def covers_on(*, on: date) -> Covers:
    """As it is on the day; one query.

    A CSM's book is served by one: where leaves overlap (nothing in the database keeps them from it), by the cover of the
    earliest, so that no hour counts twice.
    """
    rows = Leave.objects.holding(on).with_cover(on).select_related("csm", "covered_by")
    return covers_among(rows.order_by("starts_on", "pk"), on=on)


def covers_among(leaves: Iterable[Leave], *, on: date) -> Covers:
    """The same, of leaves that are read already: of all that hold on the day, each `with_cover`, joined with both CSMs."""
    holding = [row for row in leaves if row.starts_on <= on < row.ends_before]
    away: dict[int, Away] = {}
    for row in sorted(holding, key=lambda row: (not row.is_covered, row.starts_on, row.pk)):  # type: ignore[attr-defined]
        if row.csm_id not in away:
            away[row.csm_id] = _away(row)
    return Covers(away=away)


def _away(row: Leave) -> Away:
    cover = row.covered_by if row.is_covered else None  # type: ignore[attr-defined]  # annotated by with_cover
    return Away(
        leave_id=row.pk,
        csm_id=row.csm_id,
        key=row.csm.key,
        name=row.csm.name,
        starts_on=row.starts_on,
        ends_before=row.ends_before,
        cover_id=cover.pk if cover else None,
        cover_key=cover.key if cover else "",
        cover_name=cover.name if cover else "",
        named=row.covered_by.name if row.covered_by and cover is None else "",
    )
