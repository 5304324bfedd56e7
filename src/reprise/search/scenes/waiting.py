"""Several things asked at once, each waited for no longer than it may take."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from reprise.errors import ModelBusy, RepriseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Answer = TypeVar("Answer")


def answers(
    questions: Mapping[str, Callable[[], Answer]], seconds: float
) -> dict[str, Answer | RepriseError]:
    """What each question gives, or why it gives nothing; ``ModelBusy`` for one that takes longer than ``seconds``.

    A late one is left to itself: its thread ends when it is done, or with the process. Errors that are not Reprise's own
    are raised here.
    """
    deadline = time.monotonic() + seconds
    asked = [(name, _begun(name, question)) for name, question in questions.items()]
    told: dict[str, Answer | RepriseError] = {}
    for name, future in asked:
        given = _result(name, future, deadline, seconds)
        told[name] = given
    return told


def _begun(name: str, question: Callable[[], Answer]) -> Future[Answer]:
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(question())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            future.set_exception(error)

    threading.Thread(target=run, name=f"channel-{name}", daemon=True).start()
    return future


def _result(name: str, future: Future[Answer], deadline: float, seconds: float) -> Answer | RepriseError:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return ModelBusy(f"{name} has not answered within {seconds:g} s")
    except RepriseError as error:
        return error
