"""What a Stat Server and its clients say to each other. Source: docs/wire.md, section 14."""
