"""Finding: what sounds like a track. Knows ports, no adapter."""
