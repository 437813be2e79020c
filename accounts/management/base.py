"""What every command of the product has in common: formats, the acting person, refusals."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn

from django.core import checks
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from accounts.changes import acting
from accounts.models import User


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        # A whole number stays whole; cents keep their two places; JSON has no decimals of its own.
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def day(text: str) -> date:
    """The type of an argument that is a day, such as 2026-12-31."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}” is no day of the calendar; write it as 2026-12-31.") from None


def _exit_as_refused(leave: Callable[..., NoReturn], status: int = 0, message: str | None = None) -> NoReturn:
    """argparse says 2 where its arguments are off."""
    leave(1 if status else 0, message)


class DoorCommand(BaseCommand):
    """A command others rely on: `--format text|json`, `--as EMAIL`, one answer on stdout.

    Subclasses add their own arguments in `add_door_arguments` and end with `self.answer(...)`.
    Text for people goes to stderr in JSON mode, so that stdout holds one JSON object and nothing else.
    """

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """An argument that cannot be meant is a refusal like any other: exit 1."""
        parser = super().create_parser(prog_name, subcommand, **options)
        if parser.called_from_command_line:
            parser.exit = partial(_exit_as_refused, parser.exit)  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["text", "json"], default="text", help="What stdout carries.")
        parser.add_argument(
            "--as", dest="acting", metavar="EMAIL", help="The person who acts, where rights matter."
        )
        self.add_door_arguments(parser)

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        """Arguments of the one command."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        self._format: str = options.get("format", "text")
        with acting(partial(self._named, options.get("acting"))):
            return super().execute(*args, **options)

    def _named(self, email: str | None) -> User | None:
        """Whose changes are logged: who was named with `--as`."""
        return User.objects.filter(email__iexact=email).first() if email else None

    def get_check_kwargs(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Django leaves checks of what is stored to `migrate`; rates of another base currency must stop us as well."""
        return {**super().get_check_kwargs(options), "databases": [DEFAULT_DB_ALIAS]}

    def check(self, *args: Any, **options: Any) -> None:
        """Errors stop a door; warnings are told by `manage.py check`, not beside each answer."""
        wanted = {name: options.get(name) for name in ("app_configs", "tags", "databases")}
        found = checks.run_checks(**wanted)
        if any(each.is_serious() and not each.is_silenced() for each in found):
            super().check(*args, **options)

    def actor(self, options: Mapping[str, Any]) -> User | None:
        """The person named with `--as`; None when nobody was named."""
        email = options.get("acting")
        if not email:
            return None
        try:
            return User.objects.get(email__iexact=email, is_active=True)
        except User.DoesNotExist:
            self.refuse(f"There is no active user with the e-mail {email}.")

    def tell(self, text: str) -> None:
        """Progress and remarks for people, never on stdout."""
        self.stderr.write(text, style_func=lambda line: line)

    def refuse(self, sentence: str) -> NoReturn:
        """Exit 1 with one sentence on stderr."""
        raise CommandError(sentence)

    def answer(self, found: Mapping[str, Any], lines: Iterable[str]) -> None:
        """Print the JSON object, or the lines for people, on stdout. Who stops reading (`| head`) is no fault."""
        try:
            self._print(found, lines)
            self.stdout.flush()
        except BrokenPipeError:
            # What is still to be written goes nowhere, also when Python closes stdout at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _print(self, found: Mapping[str, Any], lines: Iterable[str]) -> None:
        if self._format == "json":
            self.stdout.write(json.dumps(found, default=_json_value, ensure_ascii=False))
        else:
            for line in lines:
                self.stdout.write(line)
