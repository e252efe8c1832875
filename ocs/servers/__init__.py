"""Companion servers for sites that have none; each runs beside the OCS and knows nothing of it."""
