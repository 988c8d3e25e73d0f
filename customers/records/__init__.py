"""客户: the record itself, its owner, locks, and the search for duplicates."""
