"""Mail: what arrives is read here, whatever it looks like; what leaves is built beside it."""
