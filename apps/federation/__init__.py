"""Federated learning: devices train a small model together; what they saw stays on them."""
