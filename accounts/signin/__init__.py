"""Signing in and out, the second factor, and forms that a sign-in interrupted."""
