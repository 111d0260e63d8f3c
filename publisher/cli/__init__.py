"""The editors' commands: one module per noun. Data on stdout, everything else on stderr."""
