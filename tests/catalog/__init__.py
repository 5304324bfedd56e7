"""The catalogue in SQLite: making, migrating, copying, finding."""
