"""Wire protocols of the outbound contact server: I/O-free codecs and conversations, thin Twisted protocols."""
