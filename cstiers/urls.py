"""Where addresses lead: the admin, signing in, and the people's pages."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from cstiers.health import healthz

urlpatterns = [
    path("healthz", healthz),  # probes often leave the slash off
    path("healthz/", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("sign-in/", auth_views.LoginView.as_view(), name="login"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("password/", auth_views.PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", auth_views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("", include("allocation.urls")),
]
