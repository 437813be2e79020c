"""Where the chunks of a run begin: many customers where few are to be looked at, few where many are."""

import numpy as np
import pytest

from allocation.services.retiering import proposing


@pytest.mark.parametrize(
    ("shown", "edges"),
    [
        ([], [0]),
        ([0] * 4, [0, 4]),
        ([0] * 11, [0, 5, 10, 11]),  # customers at most
        ([1] * 5, [0, 2, 4, 5]),  # rows at most
        ([1, 1, 0, 0, 1], [0, 4, 5]),  # who needs no row goes with those before
        ([0, 1, 0, 1, 1, 0], [0, 4, 6]),
    ],
)
def test_a_chunk_ends_where_it_has_its_customers_or_its_rows(monkeypatch, shown, edges):
    monkeypatch.setattr(proposing, "BATCH", 5)
    monkeypatch.setattr(proposing, "ROWS", 2)
    assert proposing._edges(np.array(shown, dtype=np.bool_)) == edges
