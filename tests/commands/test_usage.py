"""Arguments that cannot be meant are refused like anything else: exit 1, a sentence on stderr, nothing on stdout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("retier", "--as-of", "2026-13-01"), "“2026-13-01” is no day of the calendar"),
        (("retier", "--scope", "everything"), "invalid choice: 'everything'"),
        (("explain",), "the following arguments are required: external_id"),
        (("undo", "run", "seven"), "invalid int value: 'seven'"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(words, sentence, tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", *words, "--format", "json"],
        cwd=ROOT,
        env={**os.environ, "VAR_DIR": str(tmp_path), "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sentence in ended.stderr
