"""One navigation for everybody, by role; groups in the words of the field."""

from django.contrib import admin

from cstiers.navigation import ADMIN_GROUPS, navigation


def shown(rf, user, path="/"):
    request = rf.get(path)
    request.user = user
    return navigation(request=request)


def words(pages):
    return [page.label for page in pages]


def test_a_csm_sees_the_own_book_and_nothing_of_the_admin(cast, rf):
    pages, groups = shown(rf, cast.csm_a)
    assert words(pages) == ["Home", "My book", "Touches", "Objections", "Handovers", "Customers"]
    assert groups == ()


def test_a_manager_sees_balance_runs_and_plans_but_not_the_admin(cast, rf):
    pages, groups = shown(rf, cast.manager)
    assert {"Balance", "Re-tiering runs", "Book plans"} <= set(words(pages))
    assert "Admin" not in words(pages)
    assert groups == ()


def test_nobody_sees_nothing(cast, rf):
    assert shown(rf, cast.nobody) == ((), ())


def test_ops_see_every_screen_of_the_admin_in_a_group(cast, rf):
    pages, groups = shown(rf, cast.ops, "/admin/accounts/csm/1/change/")
    assert "Admin" in words(pages)
    assert [group.label for group in groups] == [label for label, _ in ADMIN_GROUPS]  # so "More" is empty
    items = [item for group in groups for item in group.items]
    assert len(items) == len(admin.site._registry)
    assert [item.label for item in (*pages, *items) if item.current] == ["CSMs"]


def test_home_is_marked_on_the_home_page_only(cast, rf):
    for path, here in (("/", ["Home"]), ("/customers/7/", ["Customers"]), ("/nowhere/", [])):
        pages, _ = shown(rf, cast.csm_a, path)
        assert [page.label for page in pages if page.current] == here


def test_the_shell_has_one_way_to_skip_it(cast, sign_in):
    page = sign_in(cast.ops).get("/admin/").content.decode()
    assert '<a class="skip-link" href="#main">' in page
    assert page.count('id="main"') == 1
    assert page.count("<h1") == 1
