"""Writes accepted CSM rows: teams and their managers, skills, the CSMs themselves."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group

from accounts import roles
from accounts.changes import update_logged
from accounts.importing.keys import word_key
from accounts.models import CSM, Team, User
from allocation.services.importing.csm_rows import SKILLS
from allocation.services.importing.rows import CREATED, UPDATED, Row
from allocation.services.importing.vocabulary import create_words, load_teams, user_emails, word_ids

NUMBERS = ("hours_per_month", "overhead_pct", "ramp_pct")


class Writer:
    """CSM files are short: rows are saved one by one, inside the one transaction of the import."""

    def __init__(self) -> None:
        self.words: dict[str, dict[str, int]] = {}
        self.teams: dict[str, Team] = {}
        self.users: dict[str, int] = {}

    def bring_new_values(self, new_values: Mapping[str, Sequence[str]]) -> None:
        """Make the words, teams and managers that the preview listed, then look everything up."""
        for column, word in SKILLS.items():
            create_words(word, new_values.get(column, ()))
            self.words[column] = word_ids(word)
        known = load_teams().known
        for name in new_values.get("team", ()):
            if word_key(name) not in known:
                Team.objects.create(name=name)
        self.teams = {word_key(team.name): team for team in Team.objects.all()}
        _create_managers([email for email in new_values.get("manager", ()) if email not in user_emails()])
        self.users = user_emails()

    def prepare(self, rows: Sequence[Row]) -> Sequence[Row]:
        """As they are: there are few."""
        return rows

    def write(self, rows: Sequence[Row]) -> None:
        """Create and update the CSMs of these rows."""
        for row in rows:
            if row.outcome == CREATED:
                self._save(CSM(name=row.key), row.values)
            elif row.outcome == UPDATED:
                self._save(_csm_of(row.key), row.values)

    def settle(self) -> None:
        """Nothing waits: each row was saved with all that belongs to it."""

    def _save(self, csm: CSM, values: Mapping[str, Any]) -> None:
        for column, value in values.items():
            if column not in (*SKILLS, "manager"):
                setattr(csm, column, self._decoded(column, value))
        csm.save()
        for column in SKILLS:
            if column in values:
                getattr(csm, column).set([self.words[column][word_key(name)] for name in values[column]])
        if values.get("manager") and csm.team is not None:
            update_logged(Team.objects.filter(pk=csm.team.pk), manager_id=self.users[values["manager"]])

    def _decoded(self, column: str, value: Any) -> Any:
        if column == "team":
            return self.teams[word_key(value)] if value else None
        if column == "email":
            return value or None
        return Decimal(value) if column in NUMBERS else value


def _csm_of(key: str) -> CSM:
    """The CSM with this key: its e-mail, or its name if it has none."""
    return CSM.objects.filter(email=key).first() or CSM.objects.get(name=key, email__isnull=True)


def _create_managers(emails: Sequence[str]) -> None:
    """Users who lead a team. They get no password: ops decide when they may sign in."""
    group = Group.objects.get_or_create(name=roles.MANAGER)[0]
    for email in emails:
        user = User.objects.create_user(email, None, name=email.partition("@")[0])
        user.groups.add(group)
