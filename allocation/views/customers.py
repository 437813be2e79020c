"""The customer list and the page of one customer."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from allocation.filters.customers import CustomerFilter
from allocation.selectors.customers import DEFAULT_SORT, customer_rows, ordered, visible_customers, with_joins
from allocation.views.access import for_everyone_with_a_role, today
from allocation.views.lists import Column, has_filters, headings, page_of

COLUMNS = (
    Column("Customer", "name"),
    Column("Tier", "tier"),
    Column("CSM", "csm"),
    Column("Vertical"),
    Column("ARR", "arr", "num"),
    Column("Health", "health"),
    Column("Renewal", "renewal"),
    Column("Open goals"),
)


@require_safe
@for_everyone_with_a_role
def customers(request: HttpRequest) -> HttpResponse:
    """The customers in scope: find, filter, sort."""
    day = today()
    visible = visible_customers(user=request.user)
    found = CustomerFilter(request.GET, queryset=visible, user=request.user, today=day)
    sort = request.GET.get("sort", DEFAULT_SORT)
    page = page_of(request, with_joins(ordered(found.qs, sort=sort)))
    context = {
        "filter": found,
        "page": page,
        "rows": customer_rows(customers=list(page.object_list), today=day),
        "columns": headings(COLUMNS, sort=sort),
        "sort": sort,
        "filtered": has_filters(request),
    }
    return render(request, "pages/customers.html", context)
