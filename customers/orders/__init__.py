"""历史订单 and the yearly revenue kept of them."""
