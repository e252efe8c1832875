"""What third-party applications and the OCS say to each other on a Communication DN, inside user events."""
