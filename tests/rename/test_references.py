"""Playlists and collections: their copies say the new names, and nothing else in them changes, not a byte."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest

from reprise.core.rename_journal import Move
from reprise.rename.references import Places, rewrite

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.rename.references import Rewritten


def move(folder: str, old: str, new: str, state: str = "moved") -> Move:
    names = os.fsencode(folder), os.fsencode(old), os.fsencode(new)
    return Move(0, 0, *names, "track", state, 1, 1, 1)


def once(path: Path, root: str, *moves: Move, known_as: str = "", **how: object) -> Rewritten:
    places = Places(os.fsencode(root), moves, os.fsencode(known_as))
    [rewritten] = rewrite([os.fsencode(path)], places, **how)  # type: ignore[arg-type]
    return rewritten


MOVES = (
    move("", "a.mp3", "Ä & b.mp3"),
    move("in", "c d.mp3", "<e> 'f\".mp3"),
    move("", "x.mp3", "y.mp3", "failed"),
)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_m3u_in_all_its_forms(tmp_path: Path, bom: bytes, end: bytes) -> None:
    root = os.fsencode(tmp_path)
    before = [
        b"#EXTM3U", b"#EXTINF:123,Artist - a.mp3", b"a.mp3", b"", b"./in/c d.mp3 ", b"in\\c d.mp3", root + b"/a.mp3",
        b"file://" + root + b"/in/c%20d.mp3", b"http://radio/a.mp3", b"x.mp3", b"missing.mp3",
    ]  # fmt: skip
    after = [*before]
    after[2] = "Ä & b.mp3".encode()
    after[4] = b"./in/<e> 'f\".mp3 "
    after[5] = b"in\\<e> 'f\".mp3"
    after[6] = root + "/Ä & b.mp3".encode()
    after[7] = b"file://" + root + b"/in/%3Ce%3E%20'f%22.mp3"
    playlist = tmp_path / "list.m3u8"
    playlist.write_bytes(bom + end.join(before))
    told = once(playlist, str(tmp_path), *MOVES)
    assert (told.kind, told.entries, told.changed, told.code) == ("m3u", 8, 5, "")
    assert told.output == str(tmp_path / "list.renamed.m3u8")
    assert (tmp_path / "list.renamed.m3u8").read_bytes() == bom + end.join(after)
    assert playlist.read_bytes() == bom + end.join(before)


def test_an_old_playlist_in_latin_letters_and_a_name_that_it_cannot_hold(tmp_path: Path) -> None:
    playlist = tmp_path / "old.m3u"
    playlist.write_bytes("é.mp3\nö.mp3\n".encode("cp1252"))
    told = once(playlist, str(tmp_path), move("", "é.mp3", "ü.mp3"), move("", "ö.mp3", "曲.mp3"))
    assert (told.entries, told.changed, told.left, told.code) == (2, 1, 1, "left")
    assert (tmp_path / "old.renamed.m3u").read_bytes() == "ü.mp3\nö.mp3\n".encode("cp1252")


def test_a_playlist_from_a_mac_spells_letters_in_two_parts(tmp_path: Path) -> None:
    playlist = tmp_path / "mac.m3u8"
    playlist.write_text("e\u0301.mp3\n")
    assert once(playlist, str(tmp_path), move("", "\u00e9.mp3", "x.mp3")).changed == 1


def test_copies_go_where_asked_and_never_over_another(tmp_path: Path) -> None:
    playlist = tmp_path / "p.m3u"
    playlist.write_text("a\n")
    one = move("", "a", "b")
    output = os.fsencode(tmp_path / "out")
    assert once(playlist, str(tmp_path), one, output=output).output == str(tmp_path / "out" / "p.m3u")
    assert once(playlist, str(tmp_path), one, output=output).output == str(tmp_path / "out" / "p (2).m3u")
    assert once(playlist, str(tmp_path), one, output=output, in_place=True).output == str(playlist)
    assert playlist.read_text() == "b\n"
    assert (tmp_path / "p.m3u.bak").read_text() == "a\n"
    back = once(playlist, str(tmp_path), move("", "a", "b", "back"), in_place=True)
    assert (back.changed, playlist.read_text()) == (1, "a\n")


def test_cue_sheets(tmp_path: Path) -> None:
    sheet = tmp_path / "s.cue"
    sheet.write_bytes(b'\xef\xbb\xbfREM a.mp3\r\n FILE "a.mp3" MP3\r\nTITLE "FILE"\r\nfile a.wav WAVE\r\n')
    told = once(sheet, str(tmp_path), *MOVES)
    assert (told.entries, told.changed) == (2, 2)
    assert (tmp_path / "s.renamed.cue").read_bytes() == (
        b'\xef\xbb\xbfREM a.mp3\r\n FILE "' + "Ä & b.mp3".encode() + b'" MP3\r\nTITLE "FILE"\r\nfile '
        + "Ä & b.wav".encode() + b" WAVE\r\n"
    )  # fmt: skip


REKORDBOX = """<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0">
  <!-- Location="file://localhost/music/a.mp3" -->
  <COLLECTION Entries="3">
    <TRACK TrackID="1" Name="Location=&quot;file://x&quot; > y" Location="file://localhost/music/a.mp3" Comments='"'
           Size="1"/>
    <TRACK TrackID="2" Location='file://localhost/music/in/c%20d.mp3'><TEMPO Inizio="0.1"/></TRACK>
    <TRACK Location="file://localhost/C:/Users/dj/a.mp3" TrackID="3"/>
  </COLLECTION>
  <PLAYLISTS><NODE><TRACK Key="1"/></NODE></PLAYLISTS>
</DJ_PLAYLISTS>
"""


def test_rekordbox(tmp_path: Path) -> None:
    export = tmp_path / "rekordbox.xml"
    export.write_text(REKORDBOX)
    told = once(export, "/music", *MOVES, in_place=True)
    assert (told.kind, told.entries, told.changed, told.code) == ("rekordbox", 3, 2, "")
    expected = REKORDBOX.replace(
        'y" Location="file://localhost/music/a.mp3"',
        'y" Location="file://localhost/music/%C3%84%20%26%20b.mp3"',
    ).replace("music/in/c%20d.mp3", "music/in/%3Ce%3E%20&apos;f%22.mp3")
    assert export.read_text() == expected
    told = once(export, "/music", move("", "a.mp3", "z.mp3"), known_as="C:/Users/dj", in_place=True)
    assert told.changed == 1
    assert export.read_text() == expected.replace("C:/Users/dj/a.mp3", "C:/Users/dj/z.mp3")
    assert (tmp_path / "rekordbox.xml.bak").read_text() == REKORDBOX


TRAKTOR = """<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<NML VERSION="19"><HEAD COMPANY="www.native-instruments.com"></HEAD>
<COLLECTION ENTRIES="2"><ENTRY TITLE="a.mp3"><LOCATION DIR="/:music/:" FILE="a.mp3" VOLUME="Macintosh HD"></LOCATION></ENTRY>
<ENTRY><LOCATION DIR="/:in/:" FILE="c d.mp3" VOLUME="Stick" VOLUMEID="Stick"></LOCATION></ENTRY></COLLECTION>
<PLAYLISTS><ENTRY><PRIMARYKEY TYPE="TRACK" KEY="Macintosh HD/:music/:a.mp3"></PRIMARYKEY></ENTRY></PLAYLISTS>
</NML>
"""


def test_traktor(tmp_path: Path) -> None:
    collection = tmp_path / "collection.nml"
    collection.write_text(TRAKTOR)
    told = once(collection, "/music", *MOVES, in_place=True)
    assert (told.kind, told.entries, told.changed) == ("traktor", 3, 2)
    expected = TRAKTOR.replace('FILE="a.mp3"', 'FILE="Ä &amp; b.mp3"').replace(":a.mp3", ":Ä &amp; b.mp3")
    assert collection.read_text() == expected
    assert once(collection, "/Volumes/Stick", *MOVES, in_place=True).changed == 1
    assert collection.read_text() == expected.replace('FILE="c d.mp3"', 'FILE="&lt;e&gt; \'f&quot;.mp3"')


def field(tag: bytes, content: bytes) -> bytes:
    return struct.pack(">4sI", tag, len(content)) + content


def track(tag: bytes, path: str) -> bytes:
    return field(
        b"otrk", field(b"ttyp", b"mp3") + field(tag, path.encode("utf-16-be")) + field(b"uadd", b"\0\0\0\1")
    )


def serato(tag: bytes, *paths: str) -> bytes:
    head = field(b"vrsn", "1.0/Serato ScratchLive Crate".encode("utf-16-be")) + field(
        b"osrt", field(b"brev", b"\0")
    )
    return head + b"".join(track(tag, path) for path in paths)


@pytest.mark.parametrize(("name", "tag"), [("My Crate.crate", b"ptrk"), ("database V2", b"pfil")])
def test_serato(tmp_path: Path, name: str, tag: bytes) -> None:
    path = tmp_path / "_Serato_" / "Subcrates" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(serato(tag, "music/a.mp3", "elsewhere/a.mp3", "music/in/c d.mp3"))
    told = once(path, str(tmp_path / "music"), *MOVES, in_place=True)
    assert (told.kind, told.entries, told.changed) == ("serato", 3, 2)
    assert path.read_bytes() == serato(tag, "music/Ä & b.mp3", "elsewhere/a.mp3", "music/in/<e> 'f\".mp3")


BAD = {
    "list.txt": b"a.mp3",
    "cut.xml": b"<DJ_PLAYLISTS><TRACK Location='file://localhost/a.mp3'/>",
    "other.xml": b"<rss></rss>",
    "laughs.xml": b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><DJ_PLAYLISTS>&b;</DJ_PLAYLISTS>',
    "outside.nml": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><NML>&a;</NML>',
    "wide.xml": (
        '<?xml version="1.0" encoding="UTF-16"?>'
        '<DJ_PLAYLISTS><TRACK Location="file://localhost/music/a.mp3"/></DJ_PLAYLISTS>'
    ).encode("utf-16"),
    "no.crate": b"RIFF",
    "cut.crate": serato(b"ptrk", "music/a.mp3")[:-3],
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_such_file_is_told_with_a_reason(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BAD[name])
    told = once(path, "/music", *MOVES, in_place=True)
    assert (told.code, told.output) == ("not_this_kind", "")
    assert told.reason
    assert path.read_bytes() == BAD[name]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert once(tmp_path / "gone.m3u", "/music", *MOVES).code == "unreadable"


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (b'FILE "say "x".wav" WAVE', b'FILE "new one.wav" WAVE'),
        (b"FILE two words.flac WAVE", b"FILE new two.flac WAVE"),
        (b"file plain.mp3", b"file new.mp3"),
        (b"FILE other.mp3 MP3 ", b"FILE other.mp3 MP3 "),
    ],
)
def test_a_sheet_names_its_file_as_scans_read_it(tmp_path: Path, line: bytes, after: bytes) -> None:
    sheet = tmp_path / "a.cue"
    sheet.write_bytes(b"TITLE x\r\n" + line + b"\r\n")
    moves = (
        move("", 'say "x".wav', "new one.wav"),
        move("", "two words.flac", "new two.flac"),
        move("", "plain.mp3", "new.mp3"),
    )
    told = once(sheet, str(tmp_path), *moves)
    assert told.changed == (line != after)
    if told.changed:
        assert (tmp_path / "a.renamed.cue").read_bytes() == b"TITLE x\r\n" + after + b"\r\n"


@pytest.mark.parametrize("encoding", [b"ISO-8859-1", b"big5", b"nobody-knows"])
def test_a_collection_in_another_encoding_is_left_alone(tmp_path: Path, encoding: bytes) -> None:
    """The new names would be written in UTF-8."""
    collection = tmp_path / "a.nml"
    collection.write_bytes(
        b'<?xml version="1.0" encoding="'
        + encoding
        + b'"?><NML><LOCATION DIR="/:" FILE="a" VOLUME=""/></NML>'
    )
    told = once(collection, "/", move("", "a", "ä"))
    assert (told.code, told.output) == ("not_this_kind", "")


@pytest.mark.parametrize("path", ["a.mp3/.", "in/c d.mp3/x/..", "a.mp3/"])
def test_a_path_that_does_not_end_with_a_name_names_no_file(tmp_path: Path, path: str) -> None:
    playlist = tmp_path / "p.m3u"
    playlist.write_text(f"{path}\n")
    assert once(playlist, str(tmp_path), *MOVES).changed == 0
