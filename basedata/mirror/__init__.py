"""Products, stock and the state of the mirror of the company's sales system."""
