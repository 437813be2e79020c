"""The admin site of CS ops."""

from django.contrib import admin


class CSTiersAdminSite(admin.AdminSite):
    site_header = "cstiers"
    site_title = "cstiers"
    index_title = "What needs doing"
