"""Changes of many customers at once: 合并, 移交, 批量修改."""
