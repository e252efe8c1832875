"""Scripts that make and upgrade the tables of an interaction database."""
