"""The nouns. Import them from here."""

from accounts.models.customers import Customer
from accounts.models.delegation import Delegation
from accounts.models.importing import ColumnMapping, ImportBatch, ImportChunk, ImportFile, ImportKind
from accounts.models.jobs import Job
from accounts.models.people import CSM, Leave, Team, User
from accounts.models.preferences import NoticePreference
from accounts.models.service import Goal, GoalKind, Tier, TouchActivity, TouchLevel
from accounts.models.vocabulary import CustomAttribute, ExchangeRate, Language, Region, Vertical

__all__ = [
    "CSM",
    "ColumnMapping",
    "CustomAttribute",
    "Customer",
    "Delegation",
    "ExchangeRate",
    "Goal",
    "GoalKind",
    "ImportBatch",
    "ImportChunk",
    "ImportFile",
    "ImportKind",
    "Job",
    "Language",
    "Leave",
    "NoticePreference",
    "Region",
    "Team",
    "Tier",
    "TouchActivity",
    "TouchLevel",
    "User",
    "Vertical",
]
