"""Where addresses lead: the admin, signing in, and the people's pages."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from cstiers.health import healthz
from cstiers.signing_in.views import ChangePassword, SignIn

handler500 = "cstiers.unavailable.server_error"  # a 503 where the database is busy, full or away

urlpatterns = [
    path("healthz", healthz),  # probes often leave the slash off
    path("healthz/", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("password/", ChangePassword.as_view(), name="password_change"),
    path("password/done/", auth_views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    # Where no provider is configured these addresses do not exist and nothing of them is loaded.
    *([path("", include("cstiers.signing_in.oidc_views"))] if settings.OIDC else []),
    path("", include("allocation.urls")),
]
