"""Words a file refers to: found in any case and Unicode form, or new and listed before they are made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.importing.keys import word_key
from accounts.importing.widgets import is_email
from accounts.models import CSM, GoalKind, Language, Region, Team, Tier, User, Vertical

WORD_MODELS: dict[str, Any] = {"vertical": Vertical, "region": Region, "language": Language}


@dataclass
class Words:
    """Names of one vocabulary by their key; `new` are those the file brings, in its order."""

    known: dict[str, str] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[str]) -> "Words":
        return cls({word_key(name): name for name in names})

    def find(self, text: str) -> tuple[str, bool]:
        """(the name as it is or will be spelt, whether it would be new)."""
        key = word_key(text)
        if key in self.known:
            return self.known[key], False
        return self.new.setdefault(key, text.strip()), True


def load_words(column: str) -> Words:
    """Verticals, regions or languages there are."""
    return Words.of(WORD_MODELS[column].objects.values_list("name", flat=True))


class UnknownReference(ValueError):
    """A reference that cannot be resolved; the text is a sentence."""


@dataclass
class People:
    """CSMs by e-mail and by name. A CSM is named in rows by its e-mail, or its name if it has none. seats: those names of
    open seats, which hold nobody.
    """

    by_email: dict[str, str] = field(default_factory=dict)
    by_name: dict[str, list[str]] = field(default_factory=dict)
    seats: set[str] = field(default_factory=set)
    new: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls) -> "People":
        people = cls()
        for name, email, is_seat in CSM.objects.order_by("pk").values_list("name", "email", "is_seat"):
            key = email or name
            if is_seat:
                people.seats.add(key)
            if email:
                people.by_email[email.lower()] = key
            people.by_name.setdefault(word_key(name), []).append(key)
        return people

    def find(self, text: str) -> tuple[str, bool]:
        """(key of the CSM, whether it would be new). Raises UnknownReference when a name fits several."""
        email = text.strip().lower()
        if is_email(email):
            return self.by_email.get(email) or self.new.setdefault(email, email), email not in self.by_email
        named = self.by_name.get(word_key(text), [])
        if len(named) > 1:
            raise UnknownReference(f"{len(named)} CSMs have this name; give the e-mail instead.")
        if named:
            return named[0], False
        return self.new.setdefault(word_key(text), text), True


def csm_ids() -> dict[str, int]:
    """CSM ids by key (e-mail, or name without one)."""
    return {email or name: pk for pk, name, email in CSM.objects.values_list("pk", "name", "email")}


def slugs_of(model: type[Tier] | type[GoalKind]) -> dict[str, str]:
    """Slugs by themselves and by name, in any case. A slug outranks a name."""
    found: dict[str, str] = {}
    for slug, name in model.objects.filter(retired=False).values_list("slug", "name"):
        found.setdefault(word_key(name), slug)
    for slug in model.objects.values_list("slug", flat=True):
        found[word_key(slug)] = slug
    return found


def find_slug(text: str, slugs: Mapping[str, str], what: str) -> str:
    """The slug that is meant. Raises UnknownReference naming those there are."""
    slug = slugs.get(word_key(text))
    if slug is None:
        known = ", ".join(sorted(set(slugs.values()))[:30]) or "none yet"
        raise UnknownReference(f"There is no {what} “{text[:50]}”. There are: {known}.")
    return slug


def create_words(column: str, names: Iterable[str]) -> None:
    """Make the words that are still missing; somebody may have made one since the preview."""
    words = load_words(column)
    for name in names:
        if word_key(name) not in words.known:
            WORD_MODELS[column].objects.create(name=name)


def word_ids(column: str) -> dict[str, int]:
    """Ids by key of the name."""
    return {word_key(name): pk for pk, name in WORD_MODELS[column].objects.values_list("pk", "name")}


def create_csms(keys: Iterable[str]) -> None:
    """CSMs without sign-in for keys (e-mail or name) that nobody has yet."""
    people = People.load()
    for key in keys:
        if people.find(key)[1]:
            CSM.objects.create(name=key, email=key if is_email(key) else None)


def load_teams() -> Words:
    """Teams there are."""
    return Words.of(Team.objects.values_list("name", flat=True))


def team_leaders() -> dict[str, str]:
    """E-mail of the manager by team, of teams that have one."""
    teams = Team.objects.filter(manager__isnull=False)
    return dict(teams.values_list("name", "manager__email"))


def user_emails() -> dict[str, int]:
    """Users by e-mail."""
    return {email.lower(): pk for pk, email in User.objects.values_list("pk", "email")}
