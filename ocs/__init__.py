"""Outbound contact server."""
