"""What the figures of a customer say: metrics, alerts, money at risk."""
