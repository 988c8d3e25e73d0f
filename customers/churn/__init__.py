"""客户流失: the rule, the scan, and the cases."""
