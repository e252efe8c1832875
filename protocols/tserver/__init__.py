"""The T-Server protocol: messages, codec, conversations of both sides, Twisted protocols."""
