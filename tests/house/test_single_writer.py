"""Only `allocation.services.decisions` writes a customer's tier and CSM (house: one writer)."""

import ast

import pytest

from tests.house.source import nodes

WRITER = "allocation/services/decisions/__init__.py"
STATE = {"tier", "tier_id", "tier_since", "csm", "csm_id", "csm_since"}
WRITES = {
    "update",
    "create",
    "get_or_create",
    "update_or_create",
    "acreate",
    "aupdate",
    "bulk_update",
    "bulk_create",
}


def writes_state(node: ast.AST) -> bool:
    """True when this node sets tier or CSM on something that may be a customer."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(
            isinstance(target, ast.Attribute)
            and target.attr in STATE
            and "customer" in ast.unparse(target.value).lower()
            for target in targets
        )
    if isinstance(node, ast.Call):
        return _call_writes_state(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        words = node.value.lower()
        return "accounts_customer" in words and ("update " in words or "insert " in words) and "set" in words
    return False


def _call_writes_state(node: ast.Call) -> bool:
    called = ast.unparse(node.func)
    named = {keyword.arg for keyword in node.keywords} | {
        element.value
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
        for element in ast.walk(argument)
        if isinstance(element, ast.Constant) and isinstance(element.value, str)
    }
    if called == "setattr" and "customer" in ast.unparse(node.args[0]).lower():
        return bool(named & STATE)
    about_customers = "customer" in called.lower()
    makes_one = called.split(".")[-1] == "Customer"
    return about_customers and (makes_one or called.split(".")[-1] in WRITES) and bool(named & STATE)


def test_only_the_decisions_service_writes_a_customers_tier_and_csm():
    kinds = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Call, ast.Constant)
    places = {place for place, node in nodes(kinds) if writes_state(node)}
    elsewhere = sorted(place for place in places if not place.startswith(WRITER))
    assert elsewhere == []


@pytest.mark.parametrize(
    "code",
    [
        "customer.tier = gold",
        "row.customer.csm_id = 3",
        "Customer.objects.filter(pk=1).update(tier=gold)",
        "Customer.objects.bulk_update(rows, ['csm'])",
        "Customer.objects.bulk_create(rows, update_fields=['name', 'tier'])",
        "Customer(external_id='C1', csm=ada)",
        "setattr(customer, 'tier', gold)",
        "cursor.execute('UPDATE accounts_customer SET tier_id = 1')",
    ],
)
def test_the_scan_sees_each_way_of_writing(code):
    """The control: without it a scan that sees nothing would be green."""
    assert any(writes_state(node) for node in ast.walk(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "customer.name = 'x'",
        "leave.csm = ada",
        "Customer.objects.filter(tier=gold)",
        "Customer.objects.update(version=1)",
    ],
)
def test_the_scan_leaves_other_writes_alone(code):
    assert not any(writes_state(node) for node in ast.walk(ast.parse(code)))
