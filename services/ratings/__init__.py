"""Ratings by customers, through a link."""
