"""People: users, teams, CSMs and their leave."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property

from accounts import roles
from accounts.models.checks import at_most_characters, between, not_blank
from accounts.querysets.people import CSMQuerySet, LeaveQuerySet, TeamQuerySet, UserQuerySet, key_of

TEAM_DEPTH = 20


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail. The role comes from the groups (accounts.roles)."""

    email = models.EmailField("e-mail", unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="Switch off instead of deleting: what the person decided stays readable.",
    )
    is_staff = models.BooleanField("may enter the admin", default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_is_unique_in_any_case",
                violation_error_message="There is a user with this e-mail address already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.lower()

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.email

    @cached_property
    def role_names(self) -> frozenset[str]:
        """Group names, read once for the life of this object (one request)."""
        return frozenset(self.groups.values_list("name", flat=True))

    @property
    def is_ops(self) -> bool:
        return self.is_superuser or roles.OPS in self.role_names

    @property
    def is_manager(self) -> bool:
        return roles.MANAGER in self.role_names

    @property
    def is_csm(self) -> bool:
        return roles.CSM in self.role_names


class Team(models.Model):
    name = models.CharField(max_length=200, unique=True)
    manager = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="teams",
        help_text="Sees and decides for this team and the teams below.",
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="teams", verbose_name="part of"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="team_is_not_its_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message="A team cannot be part of itself.",
            ),
            not_blank("name", "team_has_a_name", "A team needs a name."),
            at_most_characters("name", 200, "team_name_at_most_200"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        above, steps = self.parent, 0
        while above is not None and steps < TEAM_DEPTH:
            if self.pk is not None and above.pk == self.pk:
                raise ValidationError(
                    {"parent": "This would make a circle: choose a team that is not below this one."}
                )
            above, steps = above.parent, steps + 1
        if above is not None:
            raise ValidationError({"parent": f"Teams may be at most {TEAM_DEPTH} levels deep."})


class CSM(models.Model):
    """A Customer Success Manager: hours, skills and, usually, a sign-in."""

    user = models.OneToOneField(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="csm",
        help_text="The sign-in. Empty: this CSM cannot sign in yet.",
    )
    name = models.CharField(max_length=200)
    # Null, not blank: several CSMs may have no e-mail, and one e-mail belongs to one CSM.
    email = models.EmailField("e-mail", null=True, blank=True)  # noqa: DJ001  (unique where present)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="csms")
    seniority = models.PositiveSmallIntegerField(default=3, help_text="1 (new) to 5 (most experienced).")
    hours_per_month = models.DecimalField(
        max_digits=5,
        decimal_places=1,
        default=160,
        help_text="Contract hours in a month.",
    )
    overhead_pct = models.DecimalField(
        "share not spent on customers, %",
        max_digits=5,
        decimal_places=2,
        default=25,
        help_text="Meetings, training, internal work.",
    )
    ramp_pct = models.DecimalField(
        "ramp, %",
        max_digits=5,
        decimal_places=2,
        default=100,
        help_text="100 when fully productive; lower while new.",
    )
    verticals = models.ManyToManyField(
        "Vertical", blank=True, related_name="csms", help_text="Empty: a generalist."
    )
    regions = models.ManyToManyField(
        "Region", blank=True, related_name="csms", help_text="Empty: any region."
    )
    languages = models.ManyToManyField(
        "Language", blank=True, related_name="csms", help_text="Empty: any language."
    )
    countries = models.JSONField(
        default=list,
        blank=True,
        help_text='Countries covered, as a list: ["Germany", "Austria"]. Counts with country law on.',
    )
    products = models.JSONField(
        default=list, blank=True, help_text='Products known, as a list: ["Core"]. Empty: any.'
    )
    accepting = models.BooleanField("accepts new customers", default=True)
    is_seat = models.BooleanField(
        "open seat",
        default=False,
        help_text="On: nobody is hired yet. Plans count with the seat; nobody is moved to it before it is filled.",
    )
    starts_on = models.DateField(null=True, blank=True)
    leaves_on = models.DateField(null=True, blank=True, help_text="First day this CSM is no longer here.")

    objects = CSMQuerySet.as_manager()

    class Meta:
        verbose_name = "CSM"
        verbose_name_plural = "CSMs"
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="csm_email_is_unique_in_any_case",
                violation_error_message="There is a CSM with this e-mail already.",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(email__isnull=True),
                name="csm_without_email_has_a_unique_name",
                violation_error_message="A CSM of this name without e-mail exists already: give one an e-mail.",
            ),
            models.CheckConstraint(
                name="csm_email_is_null_not_blank", condition=Q(email__isnull=True) | ~Q(email="")
            ),
            not_blank("name", "csm_has_a_name", "A CSM needs a name."),
            at_most_characters("name", 200, "csm_name_at_most_200"),
            between("seniority", 1, 5, "csm_seniority_1_to_5", "Seniority is 1 to 5."),
            between("hours_per_month", 0, 744, "csm_hours_fit_a_month", "Hours in a month are 0 to 744."),
            between("overhead_pct", 0, 100, "csm_overhead_0_to_100", "A share is 0 to 100 %."),
            between("ramp_pct", 0, 100, "csm_ramp_0_to_100", "Ramp is 0 to 100 %."),
            models.CheckConstraint(
                name="csm_open_seat_has_no_sign_in",
                condition=Q(is_seat=False) | Q(user__isnull=True),
                violation_error_message="An open seat has nobody who signs in: untick “open seat” when it is filled.",
            ),
            models.CheckConstraint(
                name="csm_leaves_after_start",
                condition=Q(starts_on__isnull=True)
                | Q(leaves_on__isnull=True)
                | Q(leaves_on__gte=F("starts_on")),
                violation_error_message="A CSM cannot leave before starting.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.email = (self.email or "").strip().lower() or None
        for field in ("countries", "products"):
            value = getattr(self, field)
            if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
                raise ValidationError({field: 'Give a list of texts, such as ["Germany", "Austria"].'})

    @property
    def key(self) -> str:
        """As `key_of`."""
        return key_of(email=self.email, name=self.name)


class Leave(models.Model):
    """Days away. `ends_before` is the first day back.

    In these days, and no others, the cover sees and serves the book and its hours count there (`covered_on`); the CSM
    keeps the customers. One leave of a CSM at a time: no constraint says so on both databases, `clean` does.
    """

    csm = models.ForeignKey(CSM, on_delete=models.PROTECT, related_name="leaves", verbose_name="CSM")
    starts_on = models.DateField()
    ends_before = models.DateField("back on", help_text="First day back.")
    covered_by = models.ForeignKey(
        CSM, null=True, blank=True, on_delete=models.PROTECT, related_name="covers"
    )

    objects = LeaveQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "leave"
        constraints = [
            models.CheckConstraint(
                name="leave_ends_after_it_starts",
                condition=Q(ends_before__gt=F("starts_on")),
                violation_error_message="The first day back must be after the first day away.",
            ),
            models.CheckConstraint(
                name="leave_is_not_covered_by_oneself",
                condition=Q(covered_by__isnull=True) | ~Q(covered_by=F("csm")),
                violation_error_message="Nobody can cover the own leave.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.csm} away {self.starts_on:%d %b %Y} to {self.ends_before:%d %b %Y}"

    def clean(self) -> None:
        """Refuses days that another leave of the CSM has, and a cover who is not there on all of them."""
        if self.starts_on is None or self.ends_before is None or self.ends_before <= self.starts_on:
            return
        these_days = type(self)._default_manager.within(self.starts_on, self.ends_before).exclude(pk=self.pk)
        if self.csm_id is not None:
            other = these_days.filter(csm=self.csm_id).order_by("starts_on", "pk").first()
            if other is not None:
                raise ValidationError(
                    f"{self.csm} is away already, {_days(other)}: change that leave, or choose other days. "
                    "With another cover for part of the time, make it two leaves, one after the other."
                )
        if self.covered_by is not None and self.covered_by_id != self.csm_id:
            fault = _fault_of_cover(self.covered_by, self, these_days)
            if fault:
                raise ValidationError({"covered_by": fault})


def _fault_of_cover(cover: CSM, leave: Leave, these_days: models.QuerySet[Leave]) -> str:
    """Why this CSM is no cover for the leave; "" where nothing speaks against it. these_days: leaves of anybody."""
    away = these_days.filter(csm=cover).order_by("starts_on", "pk").first()
    if away is not None:
        return f"{cover} is away {_days(away)}: choose another cover, or other days."
    if cover.leaves_on is not None and cover.leaves_on < leave.ends_before:
        return f"{cover} leaves on {cover.leaves_on:%d %b %Y}: choose another cover."
    if cover.starts_on is not None and cover.starts_on > leave.starts_on:
        return f"{cover} starts on {cover.starts_on:%d %b %Y}: choose another cover."
    if cover.user is not None and not cover.user.is_active:
        return f"{cover} no longer signs in and would not see the book: choose another cover."
    return ""


def _days(leave: Leave) -> str:
    """ "from 03 Mar 2027, back on 10 Mar 2027"."""
    return f"from {leave.starts_on:%d %b %Y}, back on {leave.ends_before:%d %b %Y}"
