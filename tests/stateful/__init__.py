"""Random sequences of everything that people do to a library, against a plain oracle."""
