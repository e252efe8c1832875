"""What agents' desktops and the OCS say to each other in user events (GSW_ keys).

`messages` reads requests and events, `build` makes them; `index` and `fields` are the tables behind both.
"""
