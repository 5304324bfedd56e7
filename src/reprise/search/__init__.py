"""Finding: what sounds like a track or a text, paths and radio, playlists. Knows ports, no adapter."""
