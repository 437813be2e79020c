"""What every command has in common: who stops reading its answer is no fault."""

import subprocess
import sys

ANSWERS = """
import django
django.setup()
from accounts.management.base import DoorCommand
command = DoorCommand()
command._format = {format!r}
command.answer({{"lines": ["x" * 80] * 20000}}, ("line " + "x" * 80 for _ in range(20000)))
"""


def stderr_when_nobody_reads(format_: str) -> tuple[int, str]:
    """Exit code and stderr of a command whose reader has gone after the first bytes, as `| head` does."""
    process = subprocess.Popen(
        [sys.executable, "-c", ANSWERS.format(format=format_)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    return process.wait(timeout=60), said


def test_an_answer_that_nobody_reads_to_its_end_is_no_fault():
    assert [stderr_when_nobody_reads(each) for each in ("text", "json")] == [(0, ""), (0, "")]
