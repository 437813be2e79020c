"""Who may enter the admin: CS ops, and nobody else."""

import pytest

from accounts.models import User
from tests.admin import world

PAGES = (
    "/admin/",
    "/admin/accounts/customer/",
    "/admin/accounts/user/",
    "/admin/allocation/tierdecision/",
    "/admin/autocomplete/?app_label=accounts&model_name=goal&field_name=customer&term=",
)


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
@pytest.mark.parametrize("path", PAGES)
def test_others_are_refused_and_learn_nothing(who, path, cast, sign_in):
    found = world.build(cast)
    response = sign_in(getattr(cast, who)).get(path, follow=True)
    assert response.status_code == 403
    assert found.customer.name not in response.content.decode()


def test_a_manager_marked_as_staff_is_still_no_ops(cast, sign_in):
    assert cast.manager.is_staff
    assert sign_in(cast.manager).get("/admin/", follow=True).status_code == 403


def test_ops_without_the_staff_mark_stay_outside(cast, sign_in):
    User.objects.filter(pk=cast.ops.pk).update(is_staff=False)
    assert sign_in(User.objects.get(pk=cast.ops.pk)).get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_led_to_the_common_sign_in(path, db, client):
    response = client.get(path, follow=True)
    assert response.redirect_chain
    assert response.request["PATH_INFO"] == "/sign-in/"


def test_the_sign_in_leads_back_to_where_one_wanted_to_go(cast, client):
    cast.ops.set_password("correct horse battery")
    cast.ops.save()
    form = {
        "username": "ops@example.com",
        "password": "correct horse battery",
        "next": "/admin/accounts/csm/",
    }
    assert client.post("/sign-in/", form).headers["Location"] == "/admin/accounts/csm/"


def test_a_wrong_password_is_answered_without_telling_what_was_wrong(cast, client):
    page = client.post("/sign-in/", {"username": "ops@example.com", "password": "wrong"})
    assert "do not fit together" in page.content.decode()


def test_ops_cannot_change_the_break_glass_account(cast, sign_in):
    root = User.objects.create_superuser("root@example.com", "a long password indeed")
    client = sign_in(cast.ops)
    client.post(
        f"/admin/accounts/user/{root.pk}/change/",
        {"email": "mine@example.com", "name": "", "is_active": "on"},
    )
    assert client.get(f"/admin/accounts/user/{root.pk}/password/").status_code == 403
    assert User.objects.get(pk=root.pk).email == "root@example.com"


def user_form(client, user, **changes):
    """The page of a user as a browser would send it, with these changes."""
    page = client.get(f"/admin/accounts/user/{user.pk}/change/")
    form = {
        "email": user.email,
        "name": user.name,
        "is_active": "on",
        "groups": [group.pk for group in user.groups.all()],
    }
    assert page.status_code == 200
    return client.post(
        f"/admin/accounts/user/{user.pk}/change/",
        {key: value for key, value in (form | changes).items() if value is not None},
    )


def test_ops_cannot_make_themselves_superuser(cast, sign_in):
    response = user_form(sign_in(cast.ops), cast.ops, name="O", is_superuser="on", user_permissions="1")
    assert response.status_code == 302, response.context["errors"]
    changed = User.objects.get(pk=cast.ops.pk)
    assert (changed.name, changed.is_superuser, changed.user_permissions.count()) == ("O", False, 0)


@pytest.mark.parametrize("change", [{"groups": []}, {"is_active": None}])
def test_nobody_locks_himself_out(change, cast, sign_in):
    response = user_form(sign_in(cast.ops), cast.ops, **change)
    assert "ask a colleague" in response.content.decode()
    still = User.objects.get(pk=cast.ops.pk)
    assert still.is_ops
    assert still.is_active


def test_the_role_alone_says_who_may_enter_the_admin(cast, sign_in):
    client = sign_in(cast.ops)
    ops_group = cast.ops.groups.get()
    assert user_form(client, cast.nobody, groups=[ops_group.pk]).status_code == 302
    assert User.objects.get(pk=cast.nobody.pk).is_staff
    assert user_form(client, cast.nobody, groups=[]).status_code == 302
    assert not User.objects.get(pk=cast.nobody.pk).is_staff


def test_a_new_sign_in_gets_its_role_on_its_page(cast, sign_in):
    client = sign_in(cast.ops)
    password = "a long password indeed"
    form = {
        "email": "new@example.com",
        "name": "New",
        "usable_password": "true",
        "password1": password,
        "password2": password,
    }
    response = client.post("/admin/accounts/user/add/", form)
    assert response.status_code == 302, response.context["errors"]
    user = User.objects.get(email="new@example.com")
    assert user.check_password(password)
    assert not user.is_staff
