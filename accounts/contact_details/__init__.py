"""Contact details: masked outside the permission, opened one by one."""
