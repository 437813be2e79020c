"""Querysets of the words that customers and CSMs are matched by."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from accounts.querysets.scope import csm_scope


class WordQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> WordQuerySet:
        """CS ops every word; others those of customers and CSMs in scope, so that no word of another book shows."""
        every = self.model._default_manager
        of_customers = every.filter(csm_scope(user, "customers__csm")).values("pk")
        of_csms = every.filter(csm_scope(user, "csms")).values("pk")
        return self.filter(Q(pk__in=of_customers) | Q(pk__in=of_csms))
