"""Every acceptance test starts from an empty installation into which one playbook is loaded."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.playbooks.door import Company


@pytest.fixture
def company(db: None, tmp_path: Path) -> Callable[[str], Company]:
    """`company("three-axis")`: the installation under that playbook."""
    return lambda playbook: Company(tmp_path, playbook)
