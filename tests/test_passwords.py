from __future__ import annotations

import pytest

from ocs.passwords import hash_password, is_hash, verify_password


@pytest.mark.parametrize("cheap", [True, False])
def test_a_password_opens_its_own_hash_only(cheap: bool) -> None:
    kept = hash_password("päss word", cheap)
    assert verify_password(kept, "päss word") and not verify_password(kept, "pass word")
    assert is_hash(kept) and "word" not in kept and kept != hash_password("päss word", cheap)


@pytest.mark.parametrize("junk", ["", "päss", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$$"])
def test_what_is_no_hash_opens_nothing(junk: str) -> None:
    assert not verify_password(junk, junk)
