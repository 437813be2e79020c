"""The figures that heads are counted with are kept under a name of their own."""

from dataclasses import replace
from decimal import Decimal

import pytest

from allocation.models import Staffing
from allocation.selectors.headcount import staffing_inputs
from allocation.services.staffing import UnableToKeepStaffing, keep_staffing
from tests.factories import NOW
from tests.services.headcount_cast import staffing


def test_what_is_kept_is_in_force_and_what_was_before_rests(cast):
    before = staffing(growth_pct=5)
    tried = replace(staffing_inputs()[0], growth_pct=Decimal(12), months=6)
    kept = keep_staffing(inputs=tried, actor=cast.ops, at=NOW)
    assert (kept.name, kept.is_active, kept.growth_pct, kept.months) == ("Kept on 22 Nov 2026", True, 12, 6)
    assert staffing_inputs() == (tried, kept.name)
    before.refresh_from_db()
    assert before.is_active is False


def test_keeping_what_is_in_force_changes_nothing(cast):
    before = staffing(growth_pct=5)
    assert keep_staffing(inputs=staffing_inputs()[0], actor=cast.ops, at=NOW) == before
    assert Staffing.objects.count() == 1


def test_names_of_one_day_are_numbered(cast):
    names = [
        keep_staffing(inputs=replace(staffing_inputs()[0], months=months), actor=cast.ops, at=NOW).name
        for months in (1, 2, 3)
    ]
    assert names == ["Kept on 22 Nov 2026", "Kept on 22 Nov 2026 (2)", "Kept on 22 Nov 2026 (3)"]


def test_only_ops_keep(cast):
    with pytest.raises(UnableToKeepStaffing, match="Only CS ops"):
        keep_staffing(inputs=staffing_inputs()[0], actor=cast.manager, at=NOW)
    assert not Staffing.objects.exists()
