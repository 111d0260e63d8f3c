"""Where articles come from: one module per kind of place, each filling `ports.Source`."""
