"""用户: accounts, and what administrators do to them."""
