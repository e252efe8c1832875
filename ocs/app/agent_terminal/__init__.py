"""`ocs desktop`: an agent's workplace in the terminal, on the client library for desktops."""
