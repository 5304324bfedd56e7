"""One decode, one spectrum: timbre, rhythm, harmony and dynamics of a track, and its acoustic embedding."""
