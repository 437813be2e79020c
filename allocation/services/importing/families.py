"""Parents named in a file: found in the file or among the customers, without circles."""

from accounts.importing.checking import Checked
from accounts.importing.keys import word_key, word_keys
from accounts.models.customers import FAMILY_DEPTH
from allocation.services.importing.customer_state import Directory


def refuse_bad_families(
    checked: Checked,
    keys: list[str],
    found: list[int | None],
    parents: list[str | None],
    directory: Directory,
) -> None:
    """Turn what rows say of their parent into an external id, in place; refuse what cannot be.

    A parent is named by external id, else by a name that only one customer has. A row whose parent is
    itself refused and new is refused too, as the parent will not be there.
    """
    own = [_own_id(key, pk, directory) for key, pk in zip(keys, found, strict=True)]
    in_file = {key: row for row, key in enumerate(word_keys(own)) if own[row]}
    by_name = _names_in_file(checked)
    for row, text in enumerate(parents):
        if text:
            parents[row] = _find(text, in_file, by_name, own, directory)
            if parents[row] is None:
                checked.refuse(
                    row,
                    "parent",
                    text,
                    "There is no customer with this external id or name, here or in the file.",
                )
    _refuse_orphans(checked, own, found, parents, in_file)
    _refuse_circles(checked, own, parents, directory)


def _own_id(key: str, pk: int | None, directory: Directory) -> str:
    return directory.external_ids[pk] if pk is not None else key


def _names_in_file(checked: Checked) -> dict[str, list[int]]:
    names: dict[str, list[int]] = {}
    for row, name in enumerate(checked.values.get("name", ())):
        if name:
            names.setdefault(word_key(name), []).append(row)
    return names


def _find(
    text: str, in_file: dict[str, int], by_name: dict[str, list[int]], own: list[str], directory: Directory
) -> str | None:
    """The external id that is meant; customers the person may not see do not count."""
    key = word_key(text)
    if key in in_file:
        return own[in_file[key]]
    pk = directory.find(text)
    if pk is not None and directory.may_touch(pk):
        return directory.external_ids[pk]
    # A row without an id is refused and is nobody's parent; it must not turn the name into a blank.
    alike = {own[row] for row in by_name.get(key, ()) if own[row]}
    alike |= {directory.external_ids[pk] for pk in directory.names.get(key, ()) if directory.may_touch(pk)}
    return alike.pop() if len(alike) == 1 else None


def _refuse_orphans(
    checked: Checked,
    own: list[str],
    found: list[int | None],
    parents: list[str | None],
    in_file: dict[str, int],
) -> None:
    """Round by round, refuse rows whose new parent is refused."""
    grew = True
    while grew:
        grew = False
        for row, parent in enumerate(parents):
            at = in_file.get(word_key(parent)) if parent else None
            if at is None or row in checked.problems or at not in checked.problems or found[at] is not None:
                continue
            checked.refuse(
                row,
                "parent",
                own[at],
                f"Its parent stands on line {checked.table.lines[at]}, which is refused.",
            )
            grew = True


def _refuse_circles(
    checked: Checked, own: list[str], parents: list[str | None], directory: Directory
) -> None:
    """Refuse every row from which the way up comes back to itself or is too long."""
    above = dict(directory.parents)
    for row, parent in enumerate(parents):
        if row not in checked.problems:
            above.pop(own[row], None)
            if parent:
                above[own[row]] = parent
    for row, parent in enumerate(parents):
        if parent and row not in checked.problems:
            sentence = _way_up(own[row], above)
            if sentence:
                checked.refuse(row, "parent", parent, sentence)


def _way_up(start: str, above: dict[str, str]) -> str:
    seen = {start}
    at = above.get(start)
    while at is not None:
        if at in seen:
            return "These parents make a circle: a customer cannot stand above itself."
        seen.add(at)
        if len(seen) > FAMILY_DEPTH:
            return f"Families may be at most {FAMILY_DEPTH} levels deep."
        at = above.get(at)
    return ""
