"""Django admin for administrators: people, roles, departments, dictionary; jobs, audit and settings to be read."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from kit.audit.log import format_value

# What an operator set in the environment, without anything secret.
SHOWN = (
    ("CRM_ENV", "运行环境"),
    ("DEBUG", "调试页面"),
    ("ALLOWED_HOSTS", "服务的主机名"),
    ("CSRF_TRUSTED_ORIGINS", "信任的来源"),
    ("HTTPS", "只用 HTTPS"),
    ("CRM_PROXY_COUNT", "前面的代理数"),
    ("CRM_SESSION_HOURS", "登录后多久须重新登录（小时）"),
    ("CRM_SESSION_IDLE_MINUTES", "多久不用须重新登录（分钟，0 为不限）"),
    ("AXES_FAILURE_LIMIT", "登录失败几次后锁定"),
    ("AXES_COOLOFF_TIME", "锁定多久（小时）"),
    ("CRM_REQUIRE_ADMIN_TOTP", "系统管理员必须使用两步验证"),
    ("CRM_STRICT_CUSTOMER_FORM", "客户资料从严"),
    ("CRM_SYNC_STALE_DAYS", "销售系统数据几天后算旧"),
    ("CRM_UNPAID_DAYS", "未回款几天起标黄"),
    ("CRM_RETURNS_POSITIVE", "销售系统的退货写成正数"),
    ("CRM_ATTACHMENT_MAX_MB", "附件上限（MB）"),
    ("CRM_EXPORT_DIRECT_ROWS", "直接导出的行数上限"),
    ("CRM_EXPORT_MAX_ROWS", "导出的行数上限"),
    ("CRM_EXPORT_REASON_ROWS", "超过多少行须写导出理由"),
    ("CRM_AUDIT_KEEP_MONTHS", "审计记录保留多久（月，0 为一直）"),
    ("CRM_BASE_URL", "给外部和邮件的链接以它开头"),
    ("CRM_COMPANY_NAME", "客户打开的页面上的公司名称"),
    ("CRM_COMPANY_LOGO", "客户打开的页面上的标志"),
    ("TIME_ZONE", "时区"),
    ("VAR_DIR", "数据文件夹"),
)


class CrmAdminSite(admin.AdminSite):
    site_header = "客户关系管理 · 系统管理"
    site_title = "系统管理"
    index_title = "系统管理"

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.has_perm("accounts.administer")  # type: ignore[union-attr]

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("accounts:password")

    @method_decorator([login_not_required, never_cache])
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the product's own sign-in page, with its protection, and from there to the next page."""
        url = request.GET.get("next", "")
        inside = url.startswith(reverse("admin:index")) and url != request.path
        target = url if inside and url_has_allowed_host_and_scheme(url, None) else reverse("admin:index")
        if self.has_permission(request):
            return redirect(target)
        if request.user.is_authenticated:
            raise PermissionDenied("系统管理只对系统管理员开放。")
        return redirect_to_login(target, reverse("login"))

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override]
        """Return the URLs without the one that forwards to any record, and so tells which exist."""
        routes = [route for route in super().get_urls() if getattr(route, "name", "") != "view_on_site"]
        return [path("settings/", self.admin_view(self.settings_page), name="settings"), *routes]

    def settings_page(self, request: HttpRequest) -> HttpResponse:
        """Show the settings; they are changed in the environment, where a restart applies them."""
        rows = [(name, meaning, format_value(getattr(settings, name))) for name, meaning in SHOWN]
        context = {**self.each_context(request), "title": "设置", "rows": rows, "engine": self.database()}
        return TemplateResponse(request, "admin/settings.html", context)

    @staticmethod
    def database() -> str:
        return settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the list with the page of settings at the end."""
        apps = super().get_app_list(request, app_label)
        if app_label is None:
            url = reverse("admin:settings")
            entry = {"name": "设置", "object_name": "Settings", "admin_url": url, "view_only": True, "perms": {}}
            apps.append({"name": "系统", "app_label": "system", "app_url": url, "models": [entry]})
        return apps
