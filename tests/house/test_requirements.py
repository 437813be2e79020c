"""Every direct dependency is pinned, has its reason, and agrees with the lock."""

import re

import pytest

from tests.house.source import ROOT

FILES = ("requirements.txt", "requirements-dev.txt")


def lines(name):
    return [
        line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r"))
    ]


def pins(name):
    """{package: version}, extras and markers taken off."""
    found = {}
    for line in lines(name):
        package, version = line.split("#")[0].split(";")[0].split("==")
        found[re.sub(r"\[.*\]", "", package).strip().lower()] = version.strip()
    return found


@pytest.mark.parametrize("name", FILES)
def test_each_requirement_is_pinned_and_says_why(name):
    assert [
        line for line in lines(name) if not re.fullmatch(r"[a-z0-9\[\]-]+==[0-9.]+ +# \S.{10,}", line)
    ] == []


@pytest.mark.parametrize("name", FILES)
def test_the_lock_holds_each_requirement_at_its_pin(name):
    lock = pins("constraints.txt")
    assert {package: lock.get(package) for package in pins(name)} == pins(name)


def test_the_lock_names_no_registry():
    assert not re.search(r"https?://|--(index|find-links)", (ROOT / "constraints.txt").read_text())
