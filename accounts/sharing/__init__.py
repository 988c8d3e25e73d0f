"""协作人: one record shared with a colleague."""
