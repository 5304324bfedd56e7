"""Scanning against a plain oracle."""
