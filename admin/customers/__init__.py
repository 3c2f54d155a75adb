"""Organisations, contracts and people of customers, for those who look after them."""
