"""What a customer's page says while an override holds that its run knew nothing of, and when it was ended."""

from django.utils import timezone

from allocation.selectors.wording import day
from allocation.services.overrides import withdraw_override
from tests.factories import TODAY
from tests.pages.reading import plain, read
from tests.pages.test_overrides import approved, page


def test_the_reasons_say_that_an_override_came_since_and_what_ended_is_no_request_taken_back(
    company, sign_in
):
    one = approved(company)
    client = sign_in(company.cast.csm_a)
    words = plain(read(client.get(page(company.a[2]))).words)
    assert "The run said Scale" in words
    assert plain(f"{one.tier} by override until {day(one.expires_on)}; the model says Scale. ") in words
    assert f"Tier {one.tier} an override since" in words
    assert "Facts have changed" not in words  # only the override was decided
    withdraw_override(
        override_id=one.pk, actor=company.cast.manager, words="Over", on=TODAY, at=timezone.now()
    )
    words = plain(read(client.get(page(company.a[2]))).words)
    assert "Ended" in words
    assert "Withdrawn" not in words
