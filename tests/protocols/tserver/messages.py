"""Strategies for messages and their parts."""
from __future__ import annotations

from hypothesis import strategies as st

from protocols.message import KV_ATTRIBUTES, Message

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
integers = st.integers(-2 ** 63, 2 ** 64 - 1)
kv_lists = st.recursive(
    st.just(()), lambda inner: st.lists(st.tuples(text, text | integers | st.binary(max_size=12) | inner),
                                        max_size=4).map(tuple), max_leaves=10)
plain = text | integers | st.binary(max_size=12) | st.booleans() | st.none() | st.floats(allow_nan=False)
unknown = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
                       max_leaves=6)
attributes = st.builds(
    lambda known, other: {**{name: value for name, value in other.items() if name not in KV_ATTRIBUTES}, **known},
    st.dictionaries(st.sampled_from(sorted(KV_ATTRIBUTES)), kv_lists), st.dictionaries(text, unknown, max_size=5))
messages = st.builds(Message, text, integers, attributes)
