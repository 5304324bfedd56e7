"""Names for files: what a track is called, a plan of all names, carrying it out, taking it back."""
