"""Public functions of the services are keyword-only, typed and described (house 5)."""

import ast

from tests.house.source import parsed

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def public_functions(under):
    """Functions at module level whose name begins without an underscore."""
    for path, module in parsed():
        for node in module.body:
            if path.startswith(under) and isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
                yield f"{path}:{node.lineno} {node.name}", node


def test_services_take_their_arguments_by_keyword():
    positional = [
        place
        for place, node in public_functions("allocation/services/")
        if node.args.args or node.args.posonlyargs or node.args.vararg
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
