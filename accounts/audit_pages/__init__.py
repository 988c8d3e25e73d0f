"""The audit log on its pages."""
