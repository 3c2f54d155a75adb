"""How the system itself stands."""
