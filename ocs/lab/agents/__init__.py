"""Simulated agents: real TCP clients that work a shift at a desktop and see nothing but the wire.

`machine` is the table of what an agent does next, `agent` the person who walks it, `judgement` how a call is judged,
`desk` the place on a socket, `floor` many agents and `account` their books.
"""
