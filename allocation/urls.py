"""The people's pages."""

from django.urls import URLPattern, URLResolver, path

from allocation.views import acting, balance, books, comparing, customers, goals, home, plans, reviewing, runs

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home_page, name="home"),
    path("book/", books.my_book, name="my_book"),
    path("books/", balance.books, name="books"),
    path("books/<int:pk>/", books.book, name="book"),
    path("balance/", balance.balance, name="balance"),
    path("customers/", customers.customers, name="customers"),
    path("customers/<int:pk>/", customers.customer, name="customer"),
    path("customers/<int:pk>/goals/", goals.goal_open, name="goal_open"),
    path("goals/<int:pk>/change/", goals.goal_change, name="goal_change"),
    path("goals/<int:pk>/close/", goals.goal_close, name="goal_close"),
    path("runs/", runs.runs, name="runs"),
    path("runs/start/", acting.retier_start, name="retier_start"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/progress/", runs.run_progress, name="run_progress"),
    path("runs/<int:pk>/apply/", acting.run_apply, name="run_apply"),
    path("runs/<int:pk>/discard/", acting.run_discard, name="run_discard"),
    path("runs/<int:pk>/approve/", acting.run_approve, name="run_approve"),
    path("runs/<int:pk>/rows/", reviewing.run_rows, name="run_rows"),
    path("runs/<int:pk>/undo/", acting.run_undo, name="run_undo"),
    path("plans/", plans.plans, name="plans"),
    path("plans/start/", acting.plan_start, name="plan_start"),
    path("plans/compare/start/", comparing.compare_start, name="compare_start"),
    path("plans/compare/<int:pk>/", comparing.plan_compare, name="plan_compare"),
    path("plans/compare/<int:pk>/progress/", comparing.compare_progress, name="compare_progress"),
    path("plans/compare/<int:pk>/discard/", comparing.compare_discard, name="compare_discard"),
    path("plans/<int:pk>/", plans.plan, name="plan"),
    path("plans/<int:pk>/progress/", plans.plan_progress, name="plan_progress"),
    path("plans/<int:pk>/apply/", acting.plan_apply, name="plan_apply"),
    path("plans/<int:pk>/discard/", acting.plan_discard, name="plan_discard"),
]
