"""Check of stored data that present validation would refuse: listed with links, mended on request."""
