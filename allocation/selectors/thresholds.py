"""From when on a figure of a customer is worth a look: the same on every page, in every mail."""

from datetime import timedelta

LOW_HEALTH = 40  # below it
SOON = timedelta(days=90)  # a renewal within it
