"""The record page and the list of customers, which show all subjects."""
