"""What AcoustID and MusicBrainz know of a recording. Nothing here is used unless a person switches it on."""
