"""The demonstration: a whole contact center on this machine, every server a process of its own, dialed to the end of its
list and then audited: what the OCS wrote against what the T-Server logged.
"""
