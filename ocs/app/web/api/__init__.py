"""The management API, `/api/v1`: resources and verbs for people's consoles and other programs, by token and role."""
