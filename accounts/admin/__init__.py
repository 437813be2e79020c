"""Admin screens of the nouns. Customer's screen stands in allocation.admin: it shows decisions."""

from accounts.admin import people, service, vocabulary

__all__ = ["people", "service", "vocabulary"]
