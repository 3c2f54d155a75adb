"""Letters that did not arrive."""
