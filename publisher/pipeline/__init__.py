"""The steps of the paper's path. Each reads one table and writes the next; only `cycle` calls them."""
