"""Passwords: hashed with Argon2id, checked, and made for a single use."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

AT_ONCE = 2
"""Hashes computed at the same time: each takes 64 MiB and several cores, and signing in may wait."""

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""What cannot be taken for one another when it is copied by hand: five bits each."""

GROUPS, GROUP_LETTERS = 4, 4  # 79 bits


def one_time_password() -> str:
    """A password that is typed once: ``k7mf-x2ht-…``."""
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP_LETTERS)) for _ in range(GROUPS))
    return "-".join(groups)


class Passwords:
    """Threads may share it."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def hashed(self, password: str) -> str:
        with self._room:
            return self._hasher.hash(password)

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash is this password's. Without a hash it takes as long to say no: time tells nothing."""
        if password_hash is None:
            self.hashed(password)
            return False
        with self._room:
            try:
                return self._hasher.verify(password_hash, password)
            except VerifyMismatchError:
                return False

    def outdated(self, password_hash: str) -> bool:
        """Whether today's parameters are others than those it was made with."""
        return self._hasher.check_needs_rehash(password_hash)
