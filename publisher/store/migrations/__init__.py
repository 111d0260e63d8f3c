"""Numbered, append-only, one transaction each."""
