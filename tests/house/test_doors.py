"""Public functions of the services are keyword-only, typed and described (house 5)."""

import ast
from functools import cache

from tests.house.source import FUNCTIONS, ROOT, parsed


def public_functions(under):
    """Functions at module level whose name begins without an underscore."""
    for path, module in parsed():
        for node in module.body:
            if path.startswith(under) and isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
                yield f"{path}:{node.lineno} {node.name}", node


def doors():
    """What other layers call: functions of a service module, and what a package of services hands out in `__all__`."""
    for place, node in public_functions("allocation/services/"):
        path = ROOT / place.split(":")[0]
        if path.parent.name == "services" or node.name in handed_out(path.parent):
            yield place, node


@cache
def handed_out(package):
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    lists = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return {element.value for names in lists for element in names.elts}


def test_services_take_their_arguments_by_keyword():
    positional = [
        place for place, node in doors() if node.args.args or node.args.posonlyargs or node.args.vararg
    ]
    assert positional == []


def test_services_say_what_can_be_counted_on():
    assert [
        place for place, node in public_functions("allocation/services/") if ast.get_docstring(node) is None
    ] == []


def test_services_and_engine_are_typed():
    untyped = [
        place
        for under in ("allocation/services/", "allocation/engine/")
        for place, node in public_functions(under)
        if node.returns is None
        or any(argument.annotation is None for argument in (*node.args.args, *node.args.kwonlyargs))
    ]
    assert untyped == []


def test_there_are_services_and_engine_functions_to_look_at():
    assert any(public_functions("allocation/services/"))
    assert any(public_functions("allocation/engine/"))
