"""docs/rights.md says what the matrix says: its table is made from it.

`python -m tests.access.test_rights_page` prints the table as it has to be.
"""

from tests.access import matrix
from tests.house.source import ROOT

PAGE = ROOT / "docs" / "rights.md"
HEADING = "| address | CS ops | manager | CSM | without a role | not signed in |"
# Role of the page: the column of who may, of who has the same role and another book or team, and whose things it is about.
ROLES = (
    ("ops", None, ""),
    ("manager of the team", "manager of another team", "own teams"),
    ("CSM of the book", "CSM of another book", "own book"),
    ("without a role", None, ""),
    ("not signed in", None, ""),
)


def allowed(row, column):
    """Whether any way of calling it is answered with the thing itself."""
    return bool({"ok", "moved", "422"} & set(row[column].split(" / ")))


def cell(read, write, role):
    mine, other, whose = role
    does = [word for word, row in (("opens", read), ("acts", write)) if allowed(row, mine)]
    if not does:
        return "–"
    narrow = other and not any(allowed(row, other) for row in (read, write) if allowed(row, mine))
    return " and ".join(does) + (f" ({whose})" if narrow else "")


def table():
    rows = matrix.read()
    lines = [HEADING, "|---|---|---|---|---|---|"]
    for address in sorted({address for address, _ in rows if not address.startswith("admin/")}):
        read, write = rows[address, "read"], rows[address, "write"]
        cells = [cell(read, write, role) for role in ROLES]
        lines.append(f"| `/{address}` | " + " | ".join(cells) + " |")
    return lines


def test_the_page_has_the_table_of_the_matrix():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(HEADING)
    assert lines[start : start + len(table())] == table()


def test_nobody_but_ops_gets_anything_of_the_admin():
    """The page says so in one sentence instead of five hundred lines."""
    admin = {key: row for key, row in matrix.read().items() if key[0].startswith("admin/")}
    others = [column for column in matrix.COLUMNS if column != "ops"]
    found = {row[column] for row in admin.values() for column in others}
    leads_elsewhere = {"admin/login/", "admin/logout/"}  # the common door, and out of it
    inside = {
        key: row
        for key, row in admin.items()
        if key[0] not in leads_elsewhere and {row[c] for c in others} != {"sign in"}
    }
    assert found <= {"sign in", "moved", "403", "405"}
    assert set(inside) == set()


if __name__ == "__main__":
    print("\n".join(table()))
