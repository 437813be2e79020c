"""Addresses of static files: a page names some twenty, always the same ones."""

from __future__ import annotations

from django.contrib.staticfiles.storage import StaticFilesStorage


class KeptAddresses(StaticFilesStorage):
    """Django's, with each address made once."""

    def url(self, name: str | None) -> str:
        known: dict[str | None, str] = self.__dict__.setdefault("known_addresses", {})
        if name not in known:
            known[name] = super().url(name)
        return known[name]
