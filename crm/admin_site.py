"""Django admin for administrators: people, roles, departments, dictionary, jobs, audit (read-only)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


class CrmAdminSite(admin.AdminSite):
    site_header = "客户关系管理 · 系统管理"
    site_title = "系统管理"
    index_title = "系统管理"

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.has_perm("accounts.administer")  # type: ignore[union-attr]

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("accounts:password")

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The product's own sign-in page, with its protection."""
        if request.user.is_authenticated:
            raise PermissionDenied("系统管理只对系统管理员开放。")
        return redirect_to_login(request.get_full_path(), reverse("login"))
