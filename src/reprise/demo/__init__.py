"""A small library of real audio files, rendered on the spot: for the first run and for the tests."""
