"""Real commands in real processes, killed at named points and at any moment; then a look at what is left."""
