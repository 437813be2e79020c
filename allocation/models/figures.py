"""Customers as packed columns, kept so that figures of all of them need no reading of all of them. ``docs/figures.md``."""

from django.db import models

# Customers whose id ÷ SHEET (whole) is the same stand on one sheet. The triggers of migration 0024 count with it too.
SHEET = 8192


class FigureSheet(models.Model):
    """The active customers of one sheet with their goals, as they were when no mark stood beside it.

    Written by `services.figures` only, on PostgreSQL only; where it is missing or marked, the customers themselves are read.
    """

    number = models.BigIntegerField(primary_key=True)
    # Another one each time it is written: what a process has read of it can be told from what it is now.
    version = models.BigIntegerField()
    customers = models.BinaryField()
    goals = models.BinaryField()

    objects = models.Manager()

    def __str__(self) -> str:
        return f"Figures of the customers {self.number * SHEET} to {(self.number + 1) * SHEET - 1}"


class FigureMark(models.Model):
    """Some customer of a sheet, or a goal of one, was written since. Left by the database itself (triggers), whoever writes and
    in the same transaction, so that no sheet is ever believed that is not true.
    """

    id = models.BigAutoField(primary_key=True)
    number = models.BigIntegerField()

    objects = models.Manager()

    def __str__(self) -> str:
        return f"Sheet {self.number} is to be written anew"
