"""What earlier embedding services answered, over the same jobs: their words, their batches, their one file at a time."""
