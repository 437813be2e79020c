"""One allocation policy and one attention policy is in force; a button changes which."""

import pytest

from allocation.models import AllocationPolicy, AttentionPolicy


@pytest.mark.parametrize("model", [AllocationPolicy, AttentionPolicy])
def test_putting_one_in_force_rests_the_other(model, cast, sign_in):
    old = model.objects.create(name="Old", is_active=True)
    new = model.objects.create(name="New")
    path = f"/admin/allocation/{model._meta.model_name}/{new.pk}"
    client = sign_in(cast.ops)
    assert "Put in force" in client.get(f"{path}/change/").content.decode()
    assert client.get(f"{path}/activate/").status_code == 403
    for _ in range(2):  # the second press changes nothing
        assert client.post(f"{path}/activate/").status_code == 302
        assert list(model.objects.filter(is_active=True)) == [new]
    old.refresh_from_db()
    assert not old.is_active
    assert "Put in force" not in client.get(f"{path}/change/").content.decode()


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_others_cannot_put_a_policy_in_force(who, cast, sign_in):
    policy = AllocationPolicy.objects.create(name="New")
    path = f"/admin/allocation/allocationpolicy/{policy.pk}/activate/"
    assert sign_in(getattr(cast, who)).post(path, follow=True).status_code == 403
    policy.refresh_from_db()
    assert not policy.is_active
