"""The `ocs` command: one module a family of commands, imported when it is asked for."""
from ocs.app.cli.root import main

__all__ = ["main"]
