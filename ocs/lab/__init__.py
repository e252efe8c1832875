"""Simulated people: agents who work at desktops. They see nothing but the wire."""
