"""Views under a name, changed in two windows at once: who comes second is told that the view is gone."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from allocation.models import SavedView
from allocation.services import saved_views
from allocation.services.saved_views import (
    UnableToSaveView,
    delete_view,
    rename_view,
    save_view,
    set_default_view,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def view(cast: SimpleNamespace) -> SavedView:
    return save_view(user=cast.csm_a, list_name="book", name="Late ones", query="due=late")


CHANGES = {
    "rename": lambda given: rename_view(name="Better", **given),
    "default": lambda given: set_default_view(default=True, **given),
    "no default": lambda given: set_default_view(default=False, **given),
    "delete": lambda given: delete_view(**given),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_view_that_went_while_one_waited_is_not_there_any_more(
    view: SavedView,
    cast: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, Any]], Any],
) -> None:
    """The other window held the person's row, deleted the view and was done: only then is anything read."""
    hold = saved_views._hold

    def waited(user: Any) -> None:
        hold(user)
        SavedView.objects.all().delete()

    monkeypatch.setattr(saved_views, "_hold", waited)
    with pytest.raises(UnableToSaveView, match="There is no such view"):
        change({"view_id": view.pk, "user": cast.csm_a})


def test_a_view_of_somebody_else_is_none_of_ones_own(view: SavedView, cast: SimpleNamespace) -> None:
    for change in CHANGES.values():
        with pytest.raises(UnableToSaveView, match="There is no such view"):
            change({"view_id": view.pk, "user": cast.csm_b})
    assert SavedView.objects.get().name == "Late ones"


def test_the_default_of_one_list_leaves_those_of_others_alone(view: SavedView, cast: SimpleNamespace) -> None:
    other = save_view(user=cast.csm_a, list_name="customers", name="Mine", query="q=x", default=True)
    again = save_view(user=cast.csm_a, list_name="book", name="Again", query="", default=True)
    set_default_view(view_id=view.pk, user=cast.csm_a, default=True)
    defaults = SavedView.objects.filter(is_default=True).values_list("pk", flat=True)
    assert set(defaults) == {view.pk, other.pk}
    set_default_view(view_id=view.pk, user=cast.csm_a, default=True)  # twice is no harm
    rename_view(view_id=again.pk, user=cast.csm_a, name="again")  # nor is other capitals
    with pytest.raises(UnableToSaveView, match="Another of your views"):
        rename_view(view_id=again.pk, user=cast.csm_a, name="LATE ones")
