"""个人资料: what users change of their own account."""
