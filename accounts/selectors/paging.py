"""Pages of long lists: no list is counted or leafed through further than some thousand rows, and says so."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db import connection
from django.utils.functional import cached_property

COUNTED = 10_000  # no list counts further: nobody leafs through more pages than that
MORE = COUNTED + 1  # `known` of a list of which only that is known
_DIGITS = 3  # of an estimate


class CappedPaginator(Paginator):
    """Counts no further than `COUNTED` rows and has pages for these, so that a long table costs no more than a short one.

    known: how many rows there are, where that is known without counting them; MORE where it is known that there are more.
    """

    known: int | None = None

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: COUNTED + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self._counted if self.known is None else self.known, COUNTED)

    @property
    def is_more(self) -> bool:
        """Whether there are more rows than pages show."""
        return (self._counted if self.known is None else self.known) > COUNTED

    @property
    def total_words(self) -> str:
        """How many rows there are: exact, or in words that say that it is not: "more than 10,000", "about 1,040,000"."""
        if not self.is_more:
            return f"{self.count:,}"
        if self.known is not None:
            return f"{self.known:,}" if self.known != MORE else f"more than {COUNTED:,}"
        about = self._estimated()
        return f"about {about:,}" if about > COUNTED else f"more than {COUNTED:,}"

    @property
    def shown_words(self) -> str:
        """What is to be done to see the others; empty where pages show all."""
        if not self.is_more:
            return ""
        return (
            f"The pages show the first {COUNTED:,}: narrow the list, or sort it the other way, to see others."
        )

    def _estimated(self) -> int:
        """Rows of the whole table by the statistics of the database, to three digits; 0 where the list is narrowed or nobody knows."""
        query = getattr(self.object_list, "query", None)
        if connection.vendor != "postgresql" or query is None or query.where or query.is_sliced:
            return 0
        with connection.cursor() as cursor:
            table = query.model._meta.db_table
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
            found = max(0, int(cursor.fetchone()[0]))
        return round(found, _DIGITS - len(str(found)))
