"""Sign-in, sign-out and failed sign-in leave an audit row."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from kit.audit.log import log_event

from .middleware import begin
from .sessions import UserSession, remember_sign_in


@receiver(user_logged_in)
def signed_in(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    begin(request.session)
    log_event(user, "登录", user)
    remember_sign_in(request, user)


@receiver(user_logged_out)
def signed_out(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    if user is not None:
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        log_event(user, "退出", user)


@receiver(user_login_failed)
def sign_in_failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    log_event(None, "登录失败", text=str(credentials.get("username", ""))[:150])
