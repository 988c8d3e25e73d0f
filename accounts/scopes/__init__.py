"""Whose records a permission covers."""
