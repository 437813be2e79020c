"""Each role signs in and sees the own start page."""

import pytest

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


@pytest.mark.parametrize("role", ["CS ops", "Manager", "CSM"])
def test_a_person_of_each_role_signs_in_and_sees_a_page(people, role):
    person = people[role]
    person.go("/")
    person.picture(f"home-{role.lower().replace(' ', '-')}")
    person.picture(f"home-{role.lower().replace(' ', '-')}-phone", phone=True)


def test_a_stranger_is_asked_to_sign_in(people, installation):
    person = people["CSM"]
    person.context.clear_cookies()
    assert person.status_of("/book/") in {302, 404}
