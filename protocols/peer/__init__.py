"""What outbound contact servers say to each other. Source: docs/wire.md, section 17."""
