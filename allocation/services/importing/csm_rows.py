"""Compares a checked CSM file with the database: the outcome of every row, nothing written."""

from typing import Any

from accounts.importing.checking import Checked, refuse_double_keys
from accounts.importing.keys import word_key
from accounts.models import CSM, User
from allocation.services.importing.customer_state import Digest
from allocation.services.importing.rows import (
    CREATED,
    REJECTED,
    UNCHANGED,
    UPDATED,
    Compared,
    Row,
    changed_only,
    plain,
)
from allocation.services.importing.storing import Packer
from allocation.services.importing.vocabulary import Words, load_teams, load_words, team_leaders, user_emails

UNKNOWN = "This CSM is unknown or not allowed."
# A blank in the file goes back to what a new CSM starts with.
DEFAULTS: dict[str, Any] = {
    "seniority": 3,
    "hours_per_month": "160.0",
    "overhead_pct": "25.00",
    "ramp_pct": "100.00",
    "accepting": True,
}
SKILLS = {"verticals": "vertical", "regions": "region", "languages": "language"}


def compare_csms(*, checked: Checked, user: User | None, allow_new_values: bool) -> Compared:
    """Every row with its outcome, the new values, and a digest of how the rows stand now."""
    rows = len(checked.table)
    emails = checked.values.get("email", [""] * rows)
    names = checked.values.get("name", [""] * rows)
    keys = [email or (name or "").strip() for email, name in zip(emails, names, strict=True)]
    current = csm_state()
    found = _match_all(current, emails, names)
    _refuse_rows(checked, keys, names, found, current, user)
    words: dict[str, Words] = {SKILLS[column]: load_words(SKILLS[column]) for column in SKILLS}
    words["team"] = load_teams()
    columns = _resolve_columns(checked, words, allow_new_values)
    _refuse_bad_managers(checked, columns)
    leaders = team_leaders() if "manager" in columns else {}
    outcome = [_row(checked, at, keys[at], found[at], columns, current, leaders) for at in range(rows)]
    packer, digest = Packer(), Digest()
    for row, pk in zip(outcome, found, strict=True):
        packer.add(row)
        if row.outcome != REJECTED:
            digest.add(row.key, current[pk] if pk is not None else None)
    return Compared(packer.done(), _new_values(outcome, words), digest.text())


def csm_state() -> dict[int, dict[str, Any]]:
    """How every CSM stands now, by id, in the form of `rows.plain`."""
    state: dict[int, dict[str, Any]] = {}
    query = CSM.objects.select_related("team__manager").prefetch_related(*SKILLS)
    for csm in query.order_by("pk"):
        state[csm.pk] = {
            "email": csm.email or "",
            "name": csm.name,
            "team": csm.team.name if csm.team else "",
            "manager": csm.team.manager.email if csm.team and csm.team.manager else "",
            "seniority": csm.seniority,
            "hours_per_month": f"{csm.hours_per_month:.1f}",
            "overhead_pct": f"{csm.overhead_pct:.2f}",
            "ramp_pct": f"{csm.ramp_pct:.2f}",
            "countries": list(csm.countries),
            "products": list(csm.products),
            "accepting": csm.accepting,
            **{column: sorted(word.name for word in getattr(csm, column).all()) for column in SKILLS},
        }
    return state


def _match_all(current: dict[int, dict[str, Any]], emails: list[Any], names: list[Any]) -> list[int | None]:
    """The CSM each row is about: by e-mail; else by name, among those without e-mail if the row has one.

    A customer import makes CSMs from names alone; a CSM file then gives them their e-mail.
    """
    by_email = {values["email"].lower(): pk for pk, values in current.items() if values["email"]}
    by_name: dict[str, list[int]] = {}
    for pk, values in current.items():
        by_name.setdefault(word_key(values["name"]), []).append(pk)
    found: list[int | None] = []
    for email, name in zip(emails, names, strict=True):
        alike = by_name.get(word_key(name or ""), [])
        if email:
            alike = [pk for pk in alike if not current[pk]["email"]]
        found.append(by_email.get(email) or (alike[0] if len(alike) == 1 else None))
    return found


def _refuse_rows(
    checked: Checked,
    keys: list[str],
    names: list[Any],
    found: list[int | None],
    current: dict[int, dict[str, Any]],
    user: User | None,
) -> None:
    seen = None
    if user is not None and not user.is_ops:
        seen = set(CSM.objects.visible_to(user).values_list("pk", flat=True))
    for row, key in enumerate(keys):
        if not key and row not in checked.problems:
            checked.refuse(
                row, "email", "", "The row has neither an e-mail nor a name, so it is not known who this is."
            )
        elif key and seen is not None and found[row] not in seen:
            checked.refuse(row, "email", key, UNKNOWN)
        elif row not in checked.problems and "name" in checked.values and not str(names[row] or "").strip():
            checked.refuse(row, "name", "", "The name is blank; a CSM needs one.")
        elif row not in checked.problems and found[row] is None and "name" not in checked.values:
            checked.refuse(row, "name", key, "A new CSM needs a name, and the file has no name column.")
    _refuse_ambiguous(checked, names, found, current)
    _refuse_rows_of_one_csm(checked, keys, found, current)
    refuse_double_keys(checked, keys, "email" if "email" in checked.values else "name")


def _refuse_ambiguous(
    checked: Checked, names: list[Any], found: list[int | None], current: dict[int, dict[str, Any]]
) -> None:
    counts: dict[str, int] = {}
    for values in current.values():
        counts[word_key(values["name"])] = counts.get(word_key(values["name"]), 0) + 1
    emails = checked.values.get("email", [""] * len(names))
    for row, name in enumerate(names):
        if found[row] is None and not emails[row] and counts.get(word_key(name or ""), 0) > 1:
            checked.refuse(row, "name", name, "Several CSMs have this name; give the e-mail.")


def _refuse_rows_of_one_csm(
    checked: Checked, keys: list[str], found: list[int | None], current: dict[int, dict[str, Any]]
) -> None:
    """Two rows, one by e-mail and one by name, may mean the same CSM: which one is right is not ours to say."""
    rows_of: dict[int, list[int]] = {}
    for row, pk in enumerate(found):
        if pk is not None and row not in checked.ragged:
            rows_of.setdefault(pk, []).append(row)
    for pk, rows in rows_of.items():
        if len({word_key(keys[row]) for row in rows}) > 1:
            lines = ", ".join(str(checked.table.lines[row]) for row in rows[:10])
            for row in rows:
                checked.refuse(
                    row,
                    "email" if "email" in checked.values else "name",
                    keys[row],
                    f"Lines {lines} all mean the CSM “{current[pk]['name']}”, the only one of this name; keep one of them.",
                )


def _resolve_columns(checked: Checked, words: dict[str, Words], allow_new: bool) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for column, values in checked.values.items():
        if column in SKILLS:
            columns[column] = _each(checked, column, values, words[SKILLS[column]], allow_new)
        elif column == "team":
            columns[column] = _each(checked, column, values, words["team"], allow_new)
        else:
            default = DEFAULTS.get(column)
            columns[column] = [default if value is None else plain(value) for value in values]
    if "manager" in columns and not allow_new:
        known = user_emails()
        for row, email in enumerate(columns["manager"]):
            if email and email not in known:
                checked.refuse(
                    row, "manager", email, "This would be a new user, and new values are switched off."
                )
    return columns


def _each(checked: Checked, column: str, values: list[Any], words: Words, allow_new: bool) -> list[Any]:
    """Names of a column (one, or a list of them) as they are spelt here."""
    resolved: list[Any] = []
    for row, value in enumerate(values):
        items = [words.find(item) for item in ([value] if isinstance(value, str) else value or ()) if item]
        if not allow_new and any(is_new for _, is_new in items):
            checked.refuse(
                row, column, value, f"This would bring a new {column}, and new values are switched off."
            )
        names = [name for name, _ in items]
        resolved.append(sorted(names) if column in SKILLS else (names[0] if names else ""))
    return resolved


def _refuse_bad_managers(checked: Checked, columns: dict[str, list[Any]]) -> None:
    """A manager is of a team, and a team has one: rows that say otherwise are refused."""
    if "manager" not in columns:
        return
    said: dict[str, tuple[str, int]] = {}
    teams = columns.get("team", [""] * len(columns["manager"]))
    for row, (team, manager) in enumerate(zip(teams, columns["manager"], strict=True)):
        if not manager or row in checked.problems:
            continue
        if not team:
            checked.refuse(row, "manager", manager, "A manager leads a team: give the team as well.")
            continue
        other, line = said.setdefault(team, (manager, checked.table.lines[row]))
        if other != manager:
            checked.refuse(
                row, "manager", manager, f"Line {line} gives team “{team}” another manager, {other}."
            )


def _row(
    checked: Checked,
    at: int,
    key: str,
    pk: int | None,
    columns: dict[str, list[Any]],
    current: dict[int, dict[str, Any]],
    leaders: dict[str, str],
) -> Row:
    line = checked.table.lines[at]
    if at in checked.problems:
        return Row(
            line,
            key,
            REJECTED,
            problems=checked.problems[at],
            cells=[str(cell) for cell in checked.table.row(at)],
        )
    wanted = {column: values[at] for column, values in columns.items()}
    if not wanted.get("manager", "x"):
        wanted.pop("manager")  # a blank says nothing about who leads the team
    if pk is None:
        return Row(line, key, CREATED, values=wanted)
    if "email" in wanted and not wanted["email"]:
        wanted.pop("email")  # found by name: the file does not know the e-mail
    now = current[pk]
    if wanted.get("team"):  # the manager named is of the team the CSM will be in, not of the one it leaves
        now = now | {"manager": leaders.get(wanted["team"], "")}
    values, before = changed_only(wanted, now)
    key = current[pk]["email"] or current[pk]["name"]
    return Row(line, key, UPDATED if values else UNCHANGED, values=values, before=before)


def _new_values(rows: list[Row], words: dict[str, Words]) -> dict[str, list[str]]:
    new: dict[str, list[str]] = {}
    for column in ("team", *SKILLS):
        fresh = set(words[SKILLS.get(column, column)].new.values())
        brought: dict[str, None] = {}
        for row in rows:
            value = row.values.get(column) or []
            brought.update(
                dict.fromkeys(
                    item for item in ([value] if isinstance(value, str) else value) if item in fresh
                )
            )
        if brought:
            new[column] = list(brought)
    known = user_emails()
    managers = dict.fromkeys(
        row.values["manager"] for row in rows if row.values.get("manager", "") not in ("", *known)
    )
    return new | ({"manager": list(managers)} if managers else {})
