"""The plan on disk: what is written is read, and what was cut or edited is refused."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.core.renaming import FileIdentity, FileKind, Origin, PlanHeader, PlanRow, RowStatus, Value
from reprise.errors import BadPlan, UsageError
from reprise.rename.planfile import PlanReader, PlanWriter, is_plan

HEADER = PlanHeader(
    b"/music", b"New", True, "{artist} - {title}", 1_700_000_000.5, audio=False, sidecars=True
)


def _row(number: int, status: RowStatus = RowStatus.RENAME, **facts: object) -> PlanRow:
    fields: dict[str, object] = {
        "number": number,
        "folder": b"New",
        "old": b"old %d.mp3" % number,
        "new": b"new %d.mp3" % number,
        "status": status,
        "identity": FileIdentity(1, 2**63 + number, 3, 1_700_000_000_000_000_001),
    }
    return PlanRow(**{**fields, **facts})  # type: ignore[arg-type]


def _write(path: Path, rows: list[PlanRow]) -> Path:
    with PlanWriter(path, HEADER) as plan:
        for row in rows:
            plan.add(row)
    return path


def _mixed(count: int) -> list[PlanRow]:
    statuses = list(RowStatus)
    return [_row(number, statuses[number % 3]) for number in range(count)]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = [
        _row(0, values={"artist": Value("Boards of Canada", Origin.TAG)}, notes=("two tempi",)),
        _row(1, RowStatus.REFUSED, code="unreadable", reason="permission denied"),
        _row(2, RowStatus.UNCHANGED, old=b"\xff\xfe.mp3", new=b"\xff\xfe.mp3", folder=b"caf\xe9/x"),
        _row(3, kind=FileKind.SIDECAR, new="\u202e名\u2028\r\n".encode()),
    ]
    with PlanReader(_write(tmp_path / "plan", rows)) as plan:
        assert list(plan.rows()) == rows
        assert [plan.row(number) for number in (3, 0)] == [rows[3], rows[0]]
        assert plan.header.counts == {RowStatus.RENAME: 2, RowStatus.UNCHANGED: 1, RowStatus.REFUSED: 1}
        assert (plan.header.root, plan.header.audio, plan.header.sidecars) == (b"/music", False, True)
        assert plan.header.created_at == HEADER.created_at


def test_names_that_are_no_text_are_shown_and_kept(tmp_path: Path) -> None:
    path = _write(tmp_path / "plan", [_row(0, old=b"caf\xe9.mp3")])
    facts = json.loads(path.read_bytes().splitlines()[1])
    assert facts["old"] == "caf\ufffd.mp3"
    assert facts["old_b64"]
    assert "new_b64" not in facts


@given(st.binary(max_size=40), st.text(max_size=40))
def test_any_name_and_value_survives(
    tmp_path_factory: pytest.TempPathFactory, name: bytes, text: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "plan"
    value = text.encode(errors="replace").decode()
    row = _row(0, old=name, new=name, values={"title": Value(value, Origin.TAG)}, reason=value)
    with PlanReader(_write(path, [row])) as plan:
        assert plan.row(0) == row


def test_an_empty_plan_is_one(tmp_path: Path) -> None:
    with PlanReader(_write(tmp_path / "plan", [])) as plan:
        assert len(plan) == 0
        assert list(plan.rows()) == []


def test_any_part_of_the_rows_can_be_had(tmp_path: Path) -> None:
    rows = _mixed(700)
    with PlanReader(_write(tmp_path / "plan", rows)) as plan:
        assert list(plan.rows(250, 520)) == rows[250:520]
        assert list(plan.rows(690, 10_000)) == rows[690:]
        assert list(plan.rows(700)) == []
        refused = [row.number for row in rows if row.status is RowStatus.REFUSED]
        assert list(plan.numbers(RowStatus.REFUSED)) == refused
        with pytest.raises(BadPlan, match="no row 700"):
            plan.row(700)
        with pytest.raises(BadPlan, match="no row -1"):
            plan.row(-1)


def test_every_cut_is_refused(tmp_path: Path) -> None:
    whole = _write(tmp_path / "plan", _mixed(3)).read_bytes()
    cut = tmp_path / "cut"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        with pytest.raises(BadPlan):
            PlanReader(cut)


def test_every_edited_byte_is_refused(tmp_path: Path) -> None:
    whole = _write(tmp_path / "plan", _mixed(2)).read_bytes()
    edited = tmp_path / "edited"
    counts = whole.rindex(b'"counts"')  # the reader counts by itself: what is said there is for other readers
    for place in range(counts):
        edited.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BadPlan):
            PlanReader(edited)


NAMES = st.sampled_from(
    [b"a.mp3", b'"', b"\\", b"\xff", "名 \u2028".encode(), b'", "values": {', b"a\r\n", b"caf\xe9 x", b"a..b"]
)
FOLDERS = st.one_of(NAMES, st.sampled_from([b"", b"caf\xe9/x", b"a/..b/c"]))


@given(rows=st.lists(st.tuples(FOLDERS, NAMES, NAMES, st.sampled_from(RowStatus)), max_size=9))
def test_what_is_to_be_renamed_is_read_alike_in_both_ways(
    rows: list[tuple[bytes, bytes, bytes, RowStatus]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Plain names are read without what reads all others."""
    written = [
        _row(number, status, folder=folder, old=old, new=new, values={"title": Value('"a", ', Origin.TAG)})
        for number, (folder, old, new, status) in enumerate(rows)
    ]
    with PlanReader(_write(tmp_path_factory.mktemp("plan") / "plan", written)) as plan:
        lean = [
            (one.number, one.folder, one.old, one.new, one.inode, one.size, one.mtime_ns)
            for one in plan.renames()
        ]
    assert lean == [
        (
            row.number,
            row.folder,
            row.old,
            row.new,
            row.identity.inode,
            row.identity.size,
            row.identity.mtime_ns,
        )
        for row in written
        if row.status is RowStatus.RENAME
    ]


@pytest.mark.parametrize("change", ["doubled", "swapped", "removed", "appended"])
def test_moved_lines_are_refused(tmp_path: Path, change: str) -> None:
    path = _write(tmp_path / "plan", _mixed(4))
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "doubled":
        lines.insert(2, lines[2])
    elif change == "swapped":
        lines[1], lines[2] = lines[2], lines[1]
    elif change == "removed":
        del lines[2]
    else:
        lines.append(lines[1])
    path.write_bytes(b"".join(lines))
    with pytest.raises(BadPlan, match="changed after it was made"):
        PlanReader(path)


def test_a_later_version_is_refused_by_name(tmp_path: Path) -> None:
    path = _write(tmp_path / "plan", _mixed(1))
    path.write_bytes(path.read_bytes().replace(b'{"reprise_plan": 1', b'{"reprise_plan": 2', 1))
    with pytest.raises(BadPlan, match="version 2"):
        PlanReader(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"[]\n", b"{}\n", b"\x00" * 200_000, b"#EXTM3U\na.mp3\n"])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert not is_plan(path)
    with pytest.raises(BadPlan, match="no plan"):
        PlanReader(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BadPlan, match="cannot be read"):
            PlanReader(path)


def test_a_plan_that_breaks_off_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = _write(tmp_path / "plan", _mixed(3))
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), PlanWriter(path, HEADER) as plan:  # noqa: PT012 - the exit is what is tested
        plan.add(_row(0))
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["plan"]


def test_an_earlier_plan_is_replaced_and_no_other_file(tmp_path: Path) -> None:
    path = _write(tmp_path / "plan", _mixed(3))
    assert is_plan(_write(path, _mixed(1)))
    other = tmp_path / "song.mp3"
    other.write_bytes(b"sound")
    with pytest.raises(UsageError, match="no plan"):
        PlanWriter(other, HEADER)
    assert other.read_bytes() == b"sound"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        PlanWriter(tmp_path / "none" / "plan", HEADER)


def test_rows_out_of_order_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the next"), PlanWriter(tmp_path / "plan", HEADER) as plan:
        plan.add(_row(1))
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the system refuses the write in the same place."""
    import subprocess
    import sys

    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tests.rename.test_planfile import _write, _mixed\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from reprise.errors import RepriseError\n"
        "try: _write(Path(sys.argv[1]), _mixed(5000))\n"
        "except RepriseError as error: print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "plan")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == UsageError.code
    assert os.listdir(tmp_path) == []


@pytest.mark.long
def test_a_large_plan_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    with PlanWriter(path, HEADER) as plan:
        for number in range(100_000):
            plan.add(_row(number))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with PlanReader(path) as plan:
        assert sum(1 for _ in plan.rows()) == sum(1 for _ in plan.renames()) == 100_000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 10 * 1024  # KiB; the file has 27 MB


@pytest.mark.parametrize("field", ["folder", "old", "new"])
@pytest.mark.parametrize("name", [b"../x", b"/x", b"a/../../x", b"..", b"x\0y", b"\xff/../x"])
def test_a_plan_by_whoever_wrote_it_renames_nothing_elsewhere(
    tmp_path: Path, field: str, name: bytes
) -> None:
    """Also when its digest is right."""
    path = _write(tmp_path / "plan", [_row(0), _row(1, RowStatus.RENAME, **{field: name})])
    with PlanReader(path) as plan, pytest.raises(BadPlan):
        list(plan.renames())


@pytest.mark.parametrize("name", [b"", b".", b"a/b"])
def test_what_is_no_name_in_a_folder_is_refused(tmp_path: Path, name: bytes) -> None:
    with PlanReader(_write(tmp_path / "plan", [_row(0, new=name)])) as plan, pytest.raises(BadPlan):
        list(plan.renames())


@pytest.mark.parametrize(
    "content",
    [
        b'{"reprise_plan": ' + b"[" * 50_000,
        b'{"reprise_plan": 1, "root": "\\ud800"}\n',
        b'{"reprise_plan": ' + b"1" * 5000 + b"}\n",
    ],
)
def test_json_that_breaks_readers_is_no_plan(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan"
    path.write_bytes(content)
    with pytest.raises(BadPlan):
        PlanReader(path)
