"""The Stat Server: states of agents, places, groups and campaigns, from what T-Servers and outbound contact servers tell."""
