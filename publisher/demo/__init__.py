"""The sample journal, and the stage on which the whole press is shown."""
