"""Reprise keeps the embeddings of a media library up to date."""

__version__ = "0.1.0"
