"""What readers and feed readers meet: the built site, and the pages that act."""
