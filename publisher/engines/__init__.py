"""What runs deliveries: each fills `ports.Dispatcher`."""
