"""What travels over HTTP: JSON bodies, the answers to them, and the templates that administrators write. No I/O."""
