"""What the models of this package share: their log, and the ways in which they are told to go wrong."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from reprise.core.analysis import Analysis, HeardTempo

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSION = 8
IN_DECODING = ("crash", "hang", "hog", "raise")
IN_ENCODING = ("encode-crash", "encode-hang", "encode-raise", "encode-memory", "encode-nan")


def number(variable: str, default: float = 0.0) -> float:
    return float(os.environ.get(f"PLUGIN_MODELS_{variable}", default))


def note(*words: object) -> None:
    """Append one line to the log; a single write, so that processes do not cut into each other's lines."""
    if path := os.environ.get("PLUGIN_MODELS_LOG"):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (" ".join(map(str, words)) + "\n").encode())
        finally:
            os.close(descriptor)


def file_behind(audio: Any) -> str:
    """The path of what is to be decoded: tests reach behind the port because their models decode nothing."""
    while hasattr(audio, "_audio"):
        audio = audio._audio
    return os.fsdecode(audio._path)


def vector_of(content: bytes, salt: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.blake2b(content + salt.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(DIMENSION, dtype=np.float32)


def analysis_of(content: bytes) -> Analysis:
    mark = hashlib.blake2b(content, digest_size=16).digest()
    tempo = HeardTempo(60.0 + mark[0] / 2, 0.5, ((30.0 + mark[0] / 4, 0.25),))
    return Analysis(float(len(content)), True, tempo, None, None, None, None, 0.0, (), mark)


def wait_at_gate() -> None:
    """Until the test says so, by making a file."""
    while not os.path.exists(os.environ["PLUGIN_MODELS_GATE"]):
        time.sleep(0.02)


def misbehave(word: str) -> None:
    kind = word.removeprefix("encode-")
    if kind == "crash":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "hang":
        time.sleep(3600)
    if kind == "hog":
        held = [bytearray(os.urandom(1) * (32 << 20)) for _ in range(12)]
        time.sleep(3600)
        del held
    if kind == "raise":
        raise RuntimeError("told to raise")
    if kind == "memory":
        raise MemoryError


def others_resident(name: str) -> list[str]:
    """Other models whose process still lives, by the log of loads."""
    with open(os.environ.get("PLUGIN_MODELS_LOG", os.devnull)) as log:
        loads = [line.split() for line in log if line.startswith("load ")]
    return [other for _, other, pid, *_ in loads if other != name and is_model_process(int(pid))]


def is_model_process(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "reprise.child" in process.cmdline()
    except psutil.Error:
        return False
