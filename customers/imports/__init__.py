"""导入客户 from a table."""
