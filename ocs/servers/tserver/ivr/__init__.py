"""Treatments of calls that wait at a trunk group or routing point: announcements, digits, whole applications."""
