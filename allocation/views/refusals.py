"""What a form or a service refuses, as sentences on the page that follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.http import HttpRequest


def refused(request: HttpRequest, form: Any, *, place: str = "") -> None:
    """Each fault of a form as a sentence. place: the card that says it (its tag)."""
    for field, faults in form.errors.items():
        label = form.fields[field].label if field in form.fields else ""
        for fault in faults:
            messages.error(request, f"{label}: {fault}" if label else str(fault), extra_tags=place)


@contextmanager
def faults_of(form: Any, kind: type[Exception]) -> Iterator[None]:
    """A refusal of this kind ends what is within, and is a fault of the form, which keeps what was typed."""
    try:
        yield
    except kind as refusal:
        form.add_error(None, str(refusal))


@contextmanager
def refusals_shown(request: HttpRequest, kind: type[Exception], *, place: str = "") -> Iterator[None]:
    """A refusal of this kind ends what is within, and is a sentence on the page. place: the card that says it."""
    try:
        yield
    except kind as refusal:
        messages.error(request, str(refusal), extra_tags=place)
