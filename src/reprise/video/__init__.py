"""Use cases of video libraries: what goes in and out as JSON lines."""
