"""Backups: one file with the database and the stored files, and the way back that harms nothing (decision 44)."""
