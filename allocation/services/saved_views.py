"""Views of a list that a person keeps under a name: filters, order and columns. Each has the own ones only."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from allocation.models import SavedView

LONGEST_NAME, LONGEST_QUERY = 60, 1000
# So many fit above a list; more are no help.
MOST = 20


class UnableToSaveView(ValueError):
    """The view cannot be saved or changed; the message says why."""


def save_view(*, user: User, list_name: str, name: str, query: str, default: bool = False) -> SavedView:
    """Keep `query` under a name; one that has the name already (whatever its capitals) is replaced by it.

    default: the list opens with it from now on; of a person's views of a list one at most does. Raises UnableToSaveView.
    """
    name = name.strip()
    _refuse_name(name)
    if len(query) > LONGEST_QUERY:
        raise UnableToSaveView("These filters are too long to be kept: take one away.")
    with transaction.atomic():
        _hold(user)
        own = SavedView.objects.of(user).filter(list=list_name)
        found = own.filter(name__iexact=name).first()
        if found is None:
            if own.count() >= MOST:
                raise UnableToSaveView(f"You keep {MOST} views already: delete one that you no longer use.")
            found = SavedView(user=user, list=list_name)
        found.name, found.query = name, query
        if default:
            own.filter(is_default=True).exclude(pk=found.pk).update(is_default=False)
            found.is_default = True
        found.save()
        return found


def rename_view(*, view_id: int, user: User, name: str) -> SavedView:
    """Raises UnableToSaveView: not one's own, no name, or another view has it."""
    name = name.strip()
    _refuse_name(name)
    with transaction.atomic():
        view = _own(view_id, user)
        if _beside(view).filter(name__iexact=name).exists():
            raise UnableToSaveView(f"Another of your views is called “{name}”: choose another name.")
        view.name = name
        view.save(update_fields=["name"])
        return view


def set_default_view(*, view_id: int, user: User, default: bool) -> SavedView:
    """Whether the list opens with this view; the one that did before no longer does. Raises UnableToSaveView."""
    with transaction.atomic():
        view = _own(view_id, user)
        if default:
            _beside(view).filter(is_default=True).update(is_default=False)
        view.is_default = default
        view.save(update_fields=["is_default"])
        return view


def delete_view(*, view_id: int, user: User) -> str:
    """Take one's own view away; gives its name. Raises UnableToSaveView."""
    with transaction.atomic():
        view = _own(view_id, user)
        view.delete()
        return view.name


def _refuse_name(name: str) -> None:
    if not name:
        raise UnableToSaveView("Give the view a name.")
    if len(name) > LONGEST_NAME:
        raise UnableToSaveView(f"A name has at most {LONGEST_NAME} characters.")
    if "\0" in name:  # PostgreSQL keeps none
        raise UnableToSaveView("The name holds the character NUL: take it out.")


def _hold(user: User) -> None:
    """Before anything is read: of two who change a person's views at once, in two windows, one waits."""
    User.objects.select_for_update().filter(pk=user.pk).order_by("pk").first()


def _beside(view: SavedView) -> QuerySet[SavedView]:
    """The person's other views of the list."""
    return SavedView.objects.of(view.user).filter(list=view.list).exclude(pk=view.pk)


def _own(view_id: int, user: User) -> SavedView:
    """Held, so that it is still there when it is written."""
    _hold(user)
    found: SavedView | None = SavedView.objects.of(user).filter(pk=view_id).first()
    if found is None:
        raise UnableToSaveView("There is no such view.")
    return found
