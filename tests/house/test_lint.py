"""What must not be in the code at all, with the few places where it is meant."""

import ast
import re

import pytest

from tests.house.source import PRODUCT, ROOT, committed, line_of, nodes, parsed, templates

# The clock is read once, at the edge (house 6). Models default a timestamp; the job queue measures leases.
CLOCK_MAY_BE_READ = (
    "accounts/admin/",
    "accounts/management/",
    "accounts/models/",
    "accounts/querysets/jobs.py",
    "accounts/querysets/scope.py",  # rights are of the moment of asking, whatever day a page shows
    "allocation/admin/",
    "allocation/management/",
    "allocation/models/",
    "allocation/tasks/",
    "allocation/views/",
    "cstiers/",
)
# Markup is built by templates and `format_html`; the exception is named with its reason.
MARKUP_MAY_BE_TRUSTED: dict[str, str] = {
    "accounts/admin/shapes.py": "constants filled with values that it escapes, as format_html does, for rows by the hundred",
}


def test_markup_of_charts_is_made_in_the_charts_only():
    """`charts.svg.Markup` is shown as it is; the package that escapes every word is the only one to make it."""
    made = {line_of(place) for place, node in nodes(ast.Call) if ast.unparse(node.func).endswith("Markup")}
    assert {path for path in made if not path.startswith("allocation/charts/")} == set()


def test_no_text_is_declared_safe_markup():
    """`format_html` and templates escape; `mark_safe` would let a customer's name run as a script."""
    never = {"mark_safe", "csrf_exempt", "RawSQL"}
    named = [
        place
        for place, node in nodes((ast.Name, ast.Attribute))
        if (node.id if isinstance(node, ast.Name) else node.attr) in never
    ]
    # SafeString is what format_html returns, so it may be an annotation; calling it is mark_safe by another name.
    called = [
        place
        for place, node in nodes(ast.Call)
        if ast.unparse(node.func).endswith(("SafeString", "SafeText"))
    ]
    assert [place for place in named + called if line_of(place) not in MARKUP_MAY_BE_TRUSTED] == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a value that is not escaped", r"\|\s*safe(seq)?\b|autoescape\s+off"),
        ("an inline script", r"<script(?![^>]*\bsrc=)[^>]*>"),
        ("an inline style", r"<style\b|\sstyle\s*="),
        ("an inline handler", r"\son[a-z]+\s*="),
        ("a script address", r"javascript:"),
        ("something fetched from another site", r"(src|href)\s*=\s*[\"']https?://"),
    ],
)
def test_no_template_has(what, pattern):
    """The Content-Security-Policy would refuse all of these; a page that has one is broken."""
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in templates()
        for match in re.finditer(pattern, path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert found == [], what


def test_the_clock_is_read_at_the_edge_only():
    clocks = re.compile(
        r"(timezone|datetime|datetime\.datetime)\.(now|localdate|localtime|utcnow)$|(^|\.)date\.today$|^localdate$"
    )
    found = [
        place
        for place, node in nodes(ast.Call)
        # A moment that is handed over is only told in local time.
        if clocks.search(ast.unparse(node.func))
        and not (node.args and ast.unparse(node.func).endswith(("localdate", "localtime")))
        and not line_of(place).startswith(CLOCK_MAY_BE_READ)
    ]
    assert found == []


def test_money_and_scores_are_never_floats_in_a_model():
    assert [
        place for place, node in nodes(ast.Attribute) if node.attr == "FloatField" and "/models/" in place
    ] == []


def test_no_model_has_a_default_ordering():
    """Meta.ordering sorts every query, also those that need no order; a list names its order."""
    metas = [
        (place, node) for place, node in nodes(ast.ClassDef) if node.name == "Meta" and "/models/" in place
    ]
    assert [
        place
        for place, meta in metas
        if any("ordering" in ast.unparse(line).split("=")[0] for line in meta.body)
    ] == []


def test_no_admin_edits_rows_in_the_list_or_opens_every_field():
    found = [
        place
        for place, node in nodes(ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
        and (
            target.id == "list_editable" or (target.id == "fields" and ast.unparse(node.value) == "'__all__'")
        )
    ]
    assert found == []


def test_no_request_is_spread_into_a_query():
    spread = [
        place
        for place, node in nodes(ast.Call)
        for keyword in node.keywords
        if keyword.arg is None and ast.unparse(keyword.value).startswith(("request.", "self.request."))
    ]
    assert spread == []


def test_no_module_is_called_utils():
    assert [path for path, _ in parsed() if re.search(r"/(utils|helpers|misc|common)\.py$", path)] == []


def test_files_stay_readable():
    """House: split at about 400 lines, by noun."""
    long = [
        f"{path.relative_to(ROOT)}: {length}"
        for path in committed()
        if path.suffix == ".py" and "migrations" not in path.parts
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > 450
    ]
    assert long == []


def test_no_test_is_skipped_in_silence():
    """A test that cannot run here is left out by its marker and named; it is never skipped or expected to fail."""
    skipping = re.compile(r"pytest\.(skip|xfail|importorskip)|mark\.(skip|skipif|xfail)|unittest\.skip")
    found = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path != ROOT / "tests/house/test_lint.py" and skipping.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_nothing_committed_names_the_machine_it_was_made_on():
    places = re.compile("/" + r"(work|home|root)/[a-z.]|" + "extra-" + "index|" + r"\." + r"library/")
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in committed()
        if path.suffix in {".py", ".md", ".txt", ".toml", ".html", ".json", ".css", ".js", ".sh", ".yaml", ""}
        for match in places.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_the_product_is_all_there():
    """The control: a scan over no files would be green."""
    assert len(parsed()) > 30
    assert {path.split("/")[0] for path, _ in parsed()} == set(PRODUCT)
    assert len(templates()) > 5


def test_an_id_in_an_attribute_is_written_without_thousands_separators():
    """The site writes numbers with them, so 1234 would stand as "1,234" in an id, a value or an address: another row, or none."""
    attribute = re.compile(r'=\s*"[^"]*"')
    number = re.compile(r"\{\{ *(?:[\w.]+\.)?(?:pk|id|\w+_pk) *(?:\|(?!stringformat)[^}]*)?\}\}")
    allowed = {"traced.html"}  # its id is a word of its own: trace-1
    found = [
        f"{path.name}: {one}"
        for path in templates()
        if path.name not in allowed
        for value in attribute.findall(path.read_text(encoding="utf-8"))
        for one in number.findall(value)
    ]
    assert found == []


def test_pages_ask_selectors_for_arithmetic():
    """Which rules are compared over which facts is decided in one place; a view that did it would be a second one."""
    called = [
        place
        for place, node in nodes(ast.Call, under="allocation/views/")
        if ast.unparse(node.func) in {"share_attention", "compare_bases"}
    ]
    assert called == []
