"""The reporting stream from an OCS to ICON: what is reported, in which messages, and how it is acknowledged."""
