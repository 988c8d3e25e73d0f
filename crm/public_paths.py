"""Paths for people without an account; read by the settings, and by the server before there are settings."""

PUBLIC_PATHS = ("/rate/",)  # what customers open; everything else is for people with an account
KEY_PATHS = ("rate", "setup")  # whoever has such a URL needs no account: no log keeps one
