"""The Interaction Server: queues of interactions, invitations of agents, user events between agents and submitters."""
