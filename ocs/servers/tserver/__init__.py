"""T-Server: the CTI gateway in front of a telephone switch."""
