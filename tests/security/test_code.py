"""Our own code and what it is built of: nothing that runs what it reads, nothing that is not pinned.

Weights that hold code are in ``tests/models/test_weights.py``, the image in ``tests/deploy/test_image.py``. Ruff's security
rules and Bandit look at the same code by rules of their own.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.joinpath("src").rglob("*.py"))
LOCKS = sorted(path for path in ROOT.joinpath("requirements").glob("*.txt") if "==" in path.read_text())

MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "telnetlib",
    "ftplib",
}
"""What runs code that stands in data, or sends everything in the clear."""
CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "tempfile.mktemp", "pickle.load", "pickle.loads",
    "marshal.load", "marshal.loads", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "ssl._create_unverified_context",
    "xml.etree.ElementTree.parse", "ElementTree.parse", "ElementTree.fromstring", "minidom.parse", "minidom.parseString",
    "subprocess.getoutput", "subprocess.getstatusoutput", "code.interact", "tarfile.open", "shutil.unpack_archive",
}  # fmt: skip
WITH: dict[str, Callable[[ast.expr], bool]] = {
    "shell": lambda value: not _is(value, False),
    "trust_remote_code": lambda value: not _is(value, False),
    "allow_pickle": lambda value: not _is(value, False),
    "weights_only": lambda value: not _is(value, True),
    "verify": lambda value: _is(value, False),
    "check_hostname": lambda value: _is(value, False),
    "verify_certs": lambda value: _is(value, False),
}
"""Arguments, and whether a value of theirs is a danger."""
WITHOUT = {
    "torch.load": "weights_only",
    "np.load": "allow_pickle",
    "numpy.load": "allow_pickle",
    "joblib.load": "mmap_mode",
}
"""Calls that are safe with an argument only."""

ALLOWED = {
    ("catalog/moving.py", "marshal"): "sums rows by what marshal.dumps writes; nothing is ever loaded",
    ("models/weights.py", "pickle"): "the name of the error that torch.load(weights_only=True) raises",
}
"""File and finding, each with its reason."""


def _is(value: ast.expr, constant: object) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


def dangers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each thing that should not be there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names if name.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.lineno, str(node.module)
        elif isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Attribute) and node.attr in {"CERT_NONE", "MAX_IMAGE_PIXELS"}:
            yield node.lineno, node.attr


def _of_call(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = ast.unparse(node.func)
    given = {word.arg: word.value for word in node.keywords if word.arg}
    if name in CALLS:
        yield node.lineno, name
    if name in WITHOUT and WITHOUT[name] not in given:
        yield node.lineno, f"{name} without {WITHOUT[name]}"
    yield from (
        (node.lineno, f"{name}({word}=)")
        for word, value in given.items()
        if word in WITH and WITH[word](value)
    )


def test_nothing_runs_what_it_reads() -> None:
    found = {}
    for path in SOURCES:
        inside = path.relative_to(ROOT / "src" / "reprise").as_posix()
        for line, name in dangers(ast.parse(path.read_bytes())):
            found[inside, name] = line
    assert {key: line for key, line in found.items() if key not in ALLOWED} == {}
    assert ALLOWED.keys() <= found.keys(), "what is allowed and not there any more is allowed no more"
    assert len(SOURCES) > 300


@pytest.mark.parametrize("code", [
    "import pickle", "from pickle import loads", "eval(x)", "yaml.load(x)", "torch.load(x)", "torch.load(x, weights_only=False)",
    "np.load(x)", "np.load(x, allow_pickle=True)", "run(x, shell=True)", "run(x, shell=y)", "os.system(x)", "marshal.loads(x)",
    "Auto.from_pretrained(x, trust_remote_code=True)", "get(x, verify=False)", "ssl.CERT_NONE", "tempfile.mktemp()",
    "Image.MAX_IMAGE_PIXELS = None", "ElementTree.fromstring(x)",
])  # fmt: skip
def test_the_search_finds_what_it_is_for(code: str) -> None:
    assert list(dangers(ast.parse(code)))


@pytest.mark.parametrize("code", ["torch.load(x, weights_only=True)", "np.load(x, allow_pickle=False)", "run(x, shell=False)",
                                  "network.eval()", "get(x, verify=mine)", "re.compile(x)"])  # fmt: skip
def test_the_search_leaves_the_rest_alone(code: str) -> None:
    assert not list(dangers(ast.parse(code)))


# what it is built of


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_of_a_lock_is_one_version_with_its_hashes(lock: Path) -> None:
    entries = (
        re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE))
        .strip()
        .split("\n")
    )
    loose = [
        entry
        for entry in entries
        if not re.fullmatch(
            r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==[\w.!+-]+( ;[^#]*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*(#.*)?",
            entry,
        )
    ]
    assert loose == []
    assert entries


def test_there_is_a_lock_for_what_runs_and_what_tests_it() -> None:
    assert {"run.txt", "servers.txt", "dev.txt"} <= {path.name for path in LOCKS}


def test_whatever_installs_a_lock_asks_for_its_hashes() -> None:
    """In the image and in the commands that people are told; a lock without them is pinned by name alone."""
    places = [
        ROOT / "Dockerfile",
        ROOT / "Makefile",
        *sorted(path for path in ROOT.joinpath("scripts").iterdir() if path.is_file()),
    ]
    told = [line for path in places for line in re.sub(r"\\\n\s*", " ", path.read_text()).splitlines()]
    installs = [line for line in told if re.search(r"\binstall\b.*-r\s*\S*requirements/", line)]
    assert installs
    assert [line for line in installs if "--require-hashes" not in line] == []


def test_nothing_that_is_deployed_may_do_more_than_it_must() -> None:
    """No way out of a container: not privileged, no socket of the engine, no namespace or folder of the machine."""
    held_back = r"privileged:\s*true|docker\.sock|containerd\.sock|(?:pid|ipc|network_mode|userns_mode):\s*[\"']?host|hostPath|"
    held_back += r"hostNetwork:\s*true|hostPID:\s*true|hostIPC:\s*true|cap_add|allowPrivilegeEscalation:\s*true|SYS_ADMIN"
    files = [ROOT / "compose.yaml", ROOT / "Dockerfile", *sorted(ROOT.joinpath("deploy").rglob("*.y*ml"))]
    assert len(files) > 3
    for path in files:
        if path.suffix != "":
            list(yaml.safe_load_all(path.read_text()))
        text = re.sub(r"#.*", "", path.read_text())
        assert re.findall(held_back, text) == [], path
