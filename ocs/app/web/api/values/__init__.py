"""Bodies of the API: what may be asked and what is answered, as types that check themselves and describe themselves; a module a
subject.

Times are epoch seconds (UTC) unless a name says otherwise; states, modes, results and types are words.
"""
