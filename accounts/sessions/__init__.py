"""The sign-ins of users, listed and ended."""
