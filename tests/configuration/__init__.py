"""The Configuration Database."""
