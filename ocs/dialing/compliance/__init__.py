"""Calling rules as data, and the account of what they count: abandoned calls in a window, attempts in a time, calling hours.

`rules` are the values, `rule_file` reads them, `calls` says what became of an answered call, `periods` in which window it counts,
`account` keeps the counts and the budget, `attempts` judges the next dial of a number. All pure: `now` is passed in.
"""
