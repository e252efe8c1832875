"""The rules of dialing: values in, values out; no sockets, no SQL, no clock."""
