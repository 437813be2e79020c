"""The project's own source, parsed once, for the rules that are read off the code."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
PRODUCT = ("accounts", "allocation", "cstiers")


@cache
def parsed() -> tuple[tuple[str, ast.Module], ...]:
    """(path from the root, tree) of every module of the product; migrations are generated and left out."""
    return tuple(
        (str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8")))
        for package in PRODUCT
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    )


def nodes(
    kind: type[ast.AST] | tuple[type[ast.AST], ...], *, under: str = ""
) -> Iterator[tuple[str, ast.AST]]:
    """("path:line", node) of each node of this kind in modules whose path starts with `under`."""
    for path, tree in parsed():
        if path.startswith(under):
            for node in ast.walk(tree):
                if isinstance(node, kind):
                    yield f"{path}:{node.lineno}", node


def templates() -> list[Path]:
    """Every template of the product."""
    return [path for folder in ("templates", *PRODUCT) for path in sorted((ROOT / folder).rglob("*.html"))]


@cache
def committed() -> tuple[Path, ...]:
    """Files under version control (or, outside a clone, all that lie here)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        return tuple(path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts)
    return tuple(ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def line_of(place: str) -> str:
    """`path` of `path:line`."""
    return place.rsplit(":", 1)[0]
