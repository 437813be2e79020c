"""Admin screens of the nouns. Customer's screen stands in allocation.admin: it shows decisions. So do those of
tiers and goal kinds: a lock on the tiering model binds them."""

from accounts.admin import changes, leave, people, service, vocabulary

__all__ = ["changes", "leave", "people", "service", "vocabulary"]
