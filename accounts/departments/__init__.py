"""部门: the tree that scopes follow."""
