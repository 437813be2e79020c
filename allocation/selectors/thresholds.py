"""From when on a figure of a customer is worth a look: the same on every page, in every mail."""

from datetime import timedelta

LOW_HEALTH = 40  # below it
LOW_SENTIMENT = 2  # or below
SOON = timedelta(days=90)  # a renewal within it
