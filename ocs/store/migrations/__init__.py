"""Schema versions of the store: alembic's environment and one script for each version."""
