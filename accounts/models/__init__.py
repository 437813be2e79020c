"""The nouns. Import them from here."""

from accounts.models.customers import Customer
from accounts.models.jobs import Job
from accounts.models.people import CSM, Leave, Team, User
from accounts.models.service import Goal, GoalKind, Tier, TouchActivity, TouchLevel
from accounts.models.vocabulary import CustomAttribute, ExchangeRate, Language, Region, Vertical

__all__ = [
    "CSM",
    "CustomAttribute",
    "Customer",
    "ExchangeRate",
    "Goal",
    "GoalKind",
    "Job",
    "Language",
    "Leave",
    "Region",
    "Team",
    "Tier",
    "TouchActivity",
    "TouchLevel",
    "User",
    "Vertical",
]
