"""The CPD Server: places calls from its own channels, tells what answers by listening, and moves who is wanted to the agents."""
