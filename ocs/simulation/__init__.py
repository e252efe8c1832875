"""A day in seconds: the unchanged engine, the T-Server, its simulated network and the lab's agents on a virtual clock."""
