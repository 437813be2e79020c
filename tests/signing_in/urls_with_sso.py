"""The addresses of an installation with single sign-on: cstiers.urls adds them when it is loaded with a provider."""

from cstiers.signing_in.oidc_views import urlpatterns as of_sso
from cstiers.urls import urlpatterns as of_all

urlpatterns = [*of_sso, *of_all]
