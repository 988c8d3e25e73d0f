"""What was stored wrongly before the gates stood: found, listed with links, mended on request."""
