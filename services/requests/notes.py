"""Rows beside a request: helpers, notes, drafts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class ServiceHelper(models.Model):
    """协办人: sees the request and adds notes; cannot handle or close it."""

    request = models.ForeignKey(
        "services.ServiceRequest", models.CASCADE, related_name="helpers", verbose_name="服务请求"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="协办人")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="邀请人")
    at = models.DateTimeField("邀请时间", default=timezone.now)

    class Meta:
        verbose_name = "协办人"
        verbose_name_plural = "协办人"
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "user"], name="services_helper_once", violation_error_message="已是协办人。"
            )
        ]

    def __str__(self) -> str:
        return str(self.user)


class ServiceNote(models.Model):
    """A note on the request; notes are never edited."""

    request = models.ForeignKey(
        "services.ServiceRequest", models.CASCADE, related_name="notes", verbose_name="服务请求"
    )
    text = models.CharField("备注", max_length=1000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="填写人")
    at = models.DateTimeField("填写时间", default=timezone.now)

    class Meta:
        verbose_name = "服务备注"
        verbose_name_plural = "服务备注"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text


class Draft(models.Model):
    """Unsaved input of a user in a form of a request; restored when the form is opened again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    request = models.ForeignKey("services.ServiceRequest", models.CASCADE, related_name="drafts")
    form = models.CharField(max_length=20)
    values = models.JSONField(default=dict)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "草稿"
        verbose_name_plural = "草稿"
        constraints = [models.UniqueConstraint(fields=["user", "request", "form"], name="services_draft_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.form}"
