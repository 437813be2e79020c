"""Who may give which role: CS ops give roles to others, nobody gives one to himself, and CS ops never run out."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts import roles
from accounts.models import CSM, Team, User
from allocation.groups import ensure_groups
from tests import factories
from tests.access import bodies
from tests.access.calling import undone
from tests.access.world import A, digest

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_stays():
    with undone():
        yield


def page_of(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def send(world, person, user, **changes):
    """The form of a user as this person's browser would send it, with these changes."""
    form = bodies.Fields(world.clients["ops"].get(page_of(user)).content.decode()).values
    form = {name: value for name, value in (form | changes).items() if value is not None}
    return world.clients[person].post(page_of(user), form)


def group(name):
    return str(Group.objects.get(name=name).pk)


def roles_of(user):
    return set(User.objects.get(pk=user.pk).groups.values_list("name", flat=True))


@pytest.mark.parametrize("role", [*roles.ALL])
def test_ops_give_roles_to_others(world, role):
    assert send(world, "ops", world.persons["nobody"], groups=[group(role)]).status_code == 302
    assert roles_of(world.persons["nobody"]) == {role}
    assert User.objects.get(pk=world.persons["nobody"].pk).is_staff == (role == roles.OPS)


def test_nobody_gives_a_role_to_himself(world):
    """Ops who make themselves managers would decide what they asked for; a colleague has to."""
    answer = send(world, "ops", world.persons["ops"], groups=[group(roles.OPS), group(roles.MANAGER)])
    assert "Nobody changes the own roles" in answer.content.decode()
    assert roles_of(world.persons["ops"]) == {roles.OPS}


def test_ops_give_no_permission_and_no_superuser(world):
    """A role is all that is given: what a role may do is fixed."""
    permissions = [str(Permission.objects.order_by("pk")[0].pk)]
    forged = {"is_superuser": "on", "is_staff": "on", "user_permissions": permissions}
    assert send(world, "ops", world.persons["nobody"], name="New name", **forged).status_code == 302
    user = User.objects.get(pk=world.persons["nobody"].pk)
    assert (user.name, user.is_superuser, user.is_staff, user.user_permissions.count()) == (
        "New name",
        False,
        False,
        0,
    )


def test_what_a_role_may_do_is_changed_by_nobody(world):
    before = digest()
    for person in ("ops", "manager_a", "csm_a", "nobody"):
        for path in (
            reverse("admin:auth_group_change", args=[group(roles.CSM)]),
            reverse("admin:auth_group_add"),
        ):
            world.clients[person].post(path, {"name": "Kings", "permissions": ["1", "2"]})
    assert digest() == before


def test_groups_get_their_permissions_from_the_program(world):
    """Whatever was put into a group by hand is gone after the next migrate; managers and CSMs need none."""
    Group.objects.get(name=roles.OPS).permissions.add(Permission.objects.get(codename="delete_group"))
    ensure_groups()
    held = Group.objects.get(name=roles.OPS).permissions
    assert not held.filter(codename="delete_group").exists()
    assert not held.filter(content_type__app_label="auth").exclude(codename__startswith="view_").exists()
    for role in (roles.MANAGER, roles.CSM):
        assert Group.objects.get(name=role).permissions.count() == 0


def test_two_in_ops_cannot_send_each_other_away(world):
    """Ada's page is open while Olga takes her role: what Ada sends then is refused, so one of them stays."""
    ada = factories.UserFactory(name="Ada", role=roles.OPS, is_staff=True)
    olga = world.persons["ops"]
    assert send(world, "ops", ada, groups=[]).status_code == 302
    assert roles_of(ada) == set()
    from accounts.admin.people import UserForm

    # Ada's request was let in before Olga's was written: the form looks again.
    form = UserForm({"email": olga.email, "name": olga.name, "groups": []}, instance=olga)
    form.acting_user = ada
    assert not form.is_valid()
    assert "no longer in CS ops" in str(form.errors)


def test_the_last_of_ops_is_sent_away_by_nobody(world):
    olga = world.persons["ops"]
    assert "ask a colleague" in send(world, "ops", olga, groups=[]).content.decode()
    assert "ask a colleague" in send(world, "ops", olga, is_active=None).content.decode()
    assert (
        world.clients["ops"]
        .post(reverse("admin:accounts_user_delete", args=[olga.pk]), {"post": "yes"})
        .status_code
        == 403
    )
    assert User.objects.filter(groups__name=roles.OPS, is_active=True).exists()


@pytest.mark.parametrize("person", ["manager_a", "csm_a", "nobody"])
def test_others_change_no_role_no_team_and_no_person(world, person):
    user, before = world.persons[person], digest()
    send(world, person, user, groups=[group(roles.OPS)], is_staff="on", is_superuser="on")
    csm, team = CSM.objects.get(user=world.persons["csm_a"]), Team.objects.get(pk=world.csms[A].team_id)
    form = {
        "name": "Mine",
        "team": str(team.pk),
        "manager": str(user.pk),
        "user": str(user.pk),
        "seniority": "5",
    }
    for name, row in (("csm", csm), ("team", team)):
        world.clients[person].post(reverse(f"admin:accounts_{name}_change", args=[row.pk]), form)
        world.clients[person].post(reverse(f"admin:accounts_{name}_add"), form)
    world.clients[person].post(
        reverse("admin:auth_user_password_change", args=[user.pk]), {"password1": "x", "password2": "x"}
    )
    assert digest() == before
