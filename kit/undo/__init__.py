"""Undo: one journal of rows as they were before a change, from which the change can be taken back."""
