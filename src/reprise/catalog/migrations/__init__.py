"""Small, numbered, transactional migrations, run by Alembic and only when a database is new or old."""
