"""A Ghost, by its Content API."""
