"""People of the centre: for administrators everybody, for everybody their own account."""
