"""What the OCS and a CPD Server say to each other."""
