"""What the OCS, agents' desktops and an Interaction Server say to each other."""
