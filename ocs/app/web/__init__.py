"""The server's own HTTP port: what applications and other servers ask of it, and tell it."""
