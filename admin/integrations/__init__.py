"""Integrations: subscriptions, what was sent to them, and the event catalogue."""
