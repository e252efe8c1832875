"""What agents' desktops and the OCS say to each other in user events (GSW_ keys)."""
