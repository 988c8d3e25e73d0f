"""The bridge to the company's sales system: products, stock and orders, mirrored read-only."""
