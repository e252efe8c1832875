"""The requests of clients: a rule for each name, a small function for each rule."""
