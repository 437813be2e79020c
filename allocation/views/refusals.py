"""What a form or a service refuses, as sentences on the page that follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.http import HttpRequest


def refused(request: HttpRequest, form: Any) -> None:
    """Each fault of a form as a sentence."""
    for field, faults in form.errors.items():
        label = form.fields[field].label if field in form.fields else ""
        for fault in faults:
            messages.error(request, f"{label}: {fault}" if label else str(fault))


@contextmanager
def refusals_shown(request: HttpRequest, kind: type[Exception]) -> Iterator[None]:
    """A refusal of this kind ends what is within, and is a sentence on the page."""
    try:
        yield
    except kind as refusal:
        messages.error(request, str(refusal))
