"""Versions of the Configuration Database, as alembic scripts."""
