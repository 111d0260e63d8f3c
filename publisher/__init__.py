"""Publisher: a newsroom's press."""

__version__ = "0.1.0"
