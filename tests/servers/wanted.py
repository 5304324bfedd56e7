"""What a test does when the server that it needs cannot be had."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Leave the test: skipped on somebody's machine, failed where ``CI`` is ``true``, for there it must run."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"this must run on CI, but {reason}", pytrace=False)
    pytest.skip(reason)
