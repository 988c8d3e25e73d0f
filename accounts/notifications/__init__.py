"""Notifications: in the bell and by e-mail."""
