"""What agents and third parties may ask for; one set of record operations."""
