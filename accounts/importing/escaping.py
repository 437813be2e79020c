"""Text that a spreadsheet program would take for a formula: marked on the way out, unmarked on the way in.

In CSV the mark is one leading apostrophe. The writer adds one to every text that a reader would take one
off, so that whatever is written comes back the same, apostrophes included.
"""

import re

# What opens a formula (with its full-width look-alikes) or hides the opener, also behind blanks.
_OPENER = re.compile("'*(?:[\\t\\r\\n\\0]|[\\s\\u200b\\ufeff]*[=+\\-@\\uff1d\\uff0b\\uff0d\\uff20])")
_MARKED = re.compile("'" + _OPENER.pattern)


def mark_formula(text: str) -> str:
    """The text as a CSV field: with an apostrophe before it if it could be taken for a formula."""
    return "'" + text if _OPENER.match(text) else text


def unmark_formula(text: str) -> str:
    """The text that `mark_formula` was given."""
    return text[1:] if text[:1] == "'" and _MARKED.match(text) else text
