"""A Python console inside an installation: reads {"code"} a line, answers {"lines", "error"} a line.

Starting Django costs seconds; the journeys ask many small things, so they ask one process.
"""

import contextlib
import io
import json
import os
import sys
import traceback

import django


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "cstiers.settings"
    django.setup()
    answers = sys.stdout
    for line in sys.stdin:
        said, error = io.StringIO(), ""
        with contextlib.redirect_stdout(said):
            try:
                exec(json.loads(line)["code"], {"__name__": "console"})
            except BaseException:
                error = traceback.format_exc()
        answers.write(json.dumps({"lines": said.getvalue().splitlines(), "error": error}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
