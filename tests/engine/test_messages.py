"""What goes from process to process arrives whole: these classes say by hand how they are sent."""

from __future__ import annotations

import pickle
from dataclasses import fields

import numpy as np
import pytest

from reprise.core.analysis import Analysis
from reprise.core.items import InputState
from reprise.core.ports import Document
from reprise.core.video import Description
from reprise.engine.messages import Result, Task

STATE = InputState(11, 12, b"d" * 32)
HEARD = Analysis(2.0, True, None, None, None, 0.5, 0.25, 3.0)
VECTOR = np.arange(3, dtype=np.float32)
SENT = [
    STATE,
    Document("words", b"/a/picture.jpg"),
    Task(1, b"/a/b.mp3", STATE, 2.5, VECTOR, 3, "a query", Document("words")),
    Result(1, VECTOR, "code", "message", STATE, 1.5, 2.5, 4, False, HEARD, Description("seen")),
]


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: type(sent).__name__)
def test_every_field_arrives(sent: InputState | Document | Task | Result) -> None:
    arrived = pickle.loads(pickle.dumps(sent))
    for field in fields(sent):
        value = getattr(sent, field.name)
        assert value is not field.default, f"{field.name} has its default here, so nothing would be shown"
        assert np.array_equal(getattr(arrived, field.name), value), field.name
