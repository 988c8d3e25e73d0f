"""角色: permissions with a view and an edit scope."""
