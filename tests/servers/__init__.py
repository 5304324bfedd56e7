"""Real servers for the tests, each in a folder and on a port of its own, for the length of a test or of a session."""
