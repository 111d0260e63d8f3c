"""Pages: one article each, by their metadata, their theme and their text."""
