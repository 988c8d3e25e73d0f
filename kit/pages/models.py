"""Tokens of submitted forms, so that a form sent twice is carried out once."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class Submission(models.Model):
    """The token of a form that was carried out, and the URL it redirected to, for the same form sent again."""

    token = models.UUIDField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    url = models.CharField(max_length=500)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = "已提交表单"
        verbose_name_plural = "已提交表单"

    def __str__(self) -> str:
        return str(self.token)


def forget_old_submissions() -> int:
    """Delete tokens older than a week and return their number; no form is sent twice by accident so late."""
    return Submission.objects.filter(at__lt=timezone.now() - timedelta(days=7)).delete()[0]
