"""A WordPress, by its REST API."""
