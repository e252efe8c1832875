"""Two T-Servers in front of one switch: one serves, the other one keeps a copy of what it knows and takes over."""
