"""A client of the Subsonic API, which Navidrome and others speak: playlists are sent to them."""
