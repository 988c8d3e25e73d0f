"""Log sign-ins, sign-outs and failed sign-ins."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.sessions.models import UserSession, save_sign_in
from accounts.users.models import User
from kit.audit.log import log_event

from .session_limits import start_clocks


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    start_clocks(request.session)
    log_event(user, "登录", user)
    save_sign_in(request, user)


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    if user is not None:
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        log_event(user, "退出", user)


@receiver(user_login_failed)
def sign_in_failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    log_event(None, "登录失败", text=str(credentials.get("username", ""))[:150])
