"""Which passwords are taken, and how they are kept."""

import pytest
from django.conf import settings as configured
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher, ScryptPasswordHasher, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from tests.signing_in.conftest import PASSWORD, knock, signed_in

User = get_user_model()
POOR = {
    "elevenchars": "at least 12",
    "123456789012345": "entirely numeric",
    "1qaz2wsx3edc": "too common",
    "olga.ops@example": "too similar",
    "Olga Ops Olga": "too similar",
}
REAL_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]


@pytest.mark.parametrize(("password", "why"), POOR.items())
def test_a_poor_password_is_refused_with_the_reason(password, why):
    user = User(email="olga.ops@example.com", name="Olga Ops")
    with pytest.raises(ValidationError) as refused:
        validate_password(password, user)
    assert why in " ".join(refused.value.messages)


def test_twelve_characters_are_enough():
    validate_password("twelve chars", User(email="olga.ops@example.com", name="Olga Ops"))


@pytest.mark.parametrize("password", ["elevenchars", "1qaz2wsx3edc"])
def test_the_forms_of_the_admin_and_of_oneself_follow_the_rules(people, sign_in, password):
    client = sign_in(people.ops)
    twice = {"usable_password": "true", "password1": password, "password2": password}
    pages = {
        f"/admin/accounts/user/{people.csm_a.pk}/password/": twice,
        "/admin/accounts/user/add/": {"email": "new@example.com", "name": "New", **twice},
        "/password/": {"old_password": PASSWORD, "new_password1": password, "new_password2": password},
    }
    for path, form in pages.items():
        page = client.post(path, form)
        assert page.status_code == 200, path
        assert "too short" in page.content.decode() or "too common" in page.content.decode()
    assert User.objects.get(pk=people.csm_a.pk).check_password(PASSWORD)
    assert not User.objects.filter(email="new@example.com").exists()


def test_argon2_comes_first_in_an_installation():
    """The tests themselves run with a fast one; what stands in the settings is what an installation has."""
    from cstiers import settings

    assert settings.PASSWORD_HASHERS[:3] == REAL_HASHERS
    assert configured.PASSWORD_HASHERS != REAL_HASHERS


@pytest.mark.parametrize("older", [PBKDF2PasswordHasher, ScryptPasswordHasher])
def test_an_older_hash_is_renewed_when_its_owner_signs_in(people, settings, older, monkeypatch):
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1000)
    settings.PASSWORD_HASHERS = REAL_HASHERS
    User.objects.filter(pk=people.ops.pk).update(password=make_password(PASSWORD, hasher=older.algorithm))
    client = Client()
    knock("ops@example.com", "wrong", client=client)
    assert User.objects.get(pk=people.ops.pk).password.startswith(older.algorithm)
    knock("ops@example.com", PASSWORD, client=client)
    assert User.objects.get(pk=people.ops.pk).password.startswith("argon2")
    assert signed_in(client)
