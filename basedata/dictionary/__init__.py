"""数据字典: the values of selection fields, and the numbers of records."""
