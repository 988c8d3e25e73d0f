"""A mail server of the tests."""

from __future__ import annotations

from types import SimpleNamespace

from django.core.mail.backends.base import BaseEmailBackend

SERVER = SimpleNamespace()


class FakeServer(BaseEmailBackend):
    """Answer as SERVER says: SERVER.down refuses to connect, SERVER.answers are raised one by one."""

    def open(self):
        SERVER.connections += 1
        if SERVER.down:
            raise SERVER.down
        return True

    def close(self):
        pass

    def send_messages(self, messages):
        for message in messages:
            answer = SERVER.answers.pop(0) if SERVER.answers else None
            if SERVER.meanwhile:
                SERVER.meanwhile()
            if answer:
                raise answer
            SERVER.sent.append(message)
        return len(messages)


def start_server(settings):
    """Send the mails of a test to a server that is up and has received nothing."""
    settings.EMAIL_BACKEND = f"{__name__}.FakeServer"
    settings.CRM_EMAIL_URL = "smtp://mail.example.com"
    settings.CRM_BASE_URL = "https://crm.example.com"
    SERVER.__dict__.update(down=None, answers=[], sent=[], connections=0, meanwhile=None)
    return SERVER
