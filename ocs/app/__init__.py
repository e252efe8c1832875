"""The application: wiring, twistd plugin, console, commands."""
