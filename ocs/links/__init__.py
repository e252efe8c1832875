"""Providers of the interfaces of `ocs.interfaces`, one system each, over reconnecting links."""
