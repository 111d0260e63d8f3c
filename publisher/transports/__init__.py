"""What carries copies away: one module per transport, each filling `ports.Transport`."""
