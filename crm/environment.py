"""Settings from the environment: a value that is not one is refused, not taken for another."""

from __future__ import annotations

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS, FALSE_WORDS = environ.Env.BOOLEAN_TRUE_STRINGS, ("false", "off", "no", "n", "0", "")


class Environment(environ.Env):
    """django-environ takes any unknown word for False, and says of a number in English where it stands."""

    def int(self, var: str, default: Any = environ.Env.NOTSET) -> int:
        try:
            return super().int(var, default)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} 应是整数，现在是「{self.ENVIRON[var][:50]}」。请改正。") from error

    def bool(self, var: str, default: Any = environ.Env.NOTSET) -> bool:
        text = self.ENVIRON.get(var, "").strip().lower()
        if text not in (*TRUE_WORDS, *FALSE_WORDS):
            raise ImproperlyConfigured(f"{var} 只能是 1 或 0，现在是「{text[:50]}」。请改正。")
        return super().bool(var, default)
