"""Lists as declarations: rows, filters, columns, tabs, views, pages of rows, their file."""
