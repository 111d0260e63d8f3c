"""All SQL. One module per table group; functions take a connection and never commit."""
