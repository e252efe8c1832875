"""The Configuration Database: objects, their options, checks; tables, history, and how servers hear of changes."""
