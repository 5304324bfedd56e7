"""Names of every kind mean the same to both databases: found, sorted and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reprise.catalog.catalogue import SqlCatalogue
from reprise.core.items import Tags
from reprise.core.listing import Filters, SortBy, Sorting
from reprise.core.ports import FoundFile, Part
from reprise.core.records import ScanBatch

if TYPE_CHECKING:
    from reprise.catalog.database import Database

ME = "me"
FILES = {
    "plain": (b"Music/AC_DC/01 Thunder 100%.mp3", Tags(title="Thunder", artist="AC_DC")),
    "umlaut": ("Ärzte/Grüße.mp3".encode(), Tags(title="Grüße", artist="Die Ärzte")),
    "octets": (b"caf\xe9/\xff\xfe song.mp3", Tags(title="latin", artist=None)),
    "slashes": (b"back\\slash/\\303.mp3", Tags(title="back\\slash", artist="b")),
    "cut": (b"Album/whole.flac\x003", Tags(title="third", artist="a")),
    "none": (b"zzz.mp3", Tags()),
}


@pytest.fixture
def catalogue(database: Database) -> SqlCatalogue:
    made = SqlCatalogue(database)
    library = made.libraries.add(ME, "folder", "m", b"/m", ())
    made.items.apply(
        ME, library.id, ScanBatch(added=[(FoundFile(p, 1, 1), t) for p, t in FILES.values()]), 1.0
    )
    return made


def found(catalogue: SqlCatalogue, text: str) -> set[str]:
    names = {path: name for name, (path, _) in FILES.items()}
    return {names[item.path] for item in catalogue.items.by_text(ME, text, 100)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("thunder", {"plain"}),
        ("THUNDER music", {"plain"}),  # one word in the title, one in the path
        ("ac_dc", {"plain"}),
        ("acXdc", set()),  # an underscore stands for itself
        ("100%", {"plain"}),
        ("1%0", set()),
        ("ärzte", {"umlaut"}),
        ("ÄRZTE grüße", {"umlaut"}),
        ("grüsse", set()),
        ("caf", {"octets"}),
        ("song.mp3", {"octets"}),
        ("back\\slash", {"slashes"}),
        ("\\303", {"slashes"}),  # not the umlauts, whose octets are written so
        ("whole.flac", {"cut"}),
        ("mp3", {"plain", "umlaut", "octets", "slashes", "none"}),
        ("...", set()),
        ("", set()),
        ("'; DROP TABLE items; --x ? %s %(a)s", set()),
    ],
)
def test_items_are_found_by_words_of_names_and_paths(
    catalogue: SqlCatalogue, text: str, names: set[str]
) -> None:
    assert found(catalogue, text) == names


def test_without_a_name_comes_before_all_names(catalogue: SqlCatalogue) -> None:
    titles = [item.tags.title for item in catalogue.items.by_text(ME, "mp3", 100)]
    artists = [item.tags.artist for item in catalogue.items.by_text(ME, "mp3", 100)]
    assert artists == [None, None, "AC_DC", "Die Ärzte", "b"]
    assert titles[:2] == [None, "latin"]


def test_files_of_one_folder_are_those_right_in_it(catalogue: SqlCatalogue) -> None:
    (library,) = catalogue.libraries.all(ME)
    top = [row[1] for row in catalogue.items.files(ME, library.id, Part(b"", deep=False))]
    assert top == [b"zzz.mp3"]
    inner = [row[1] for row in catalogue.items.files(ME, library.id, Part(b"Music/AC_DC", deep=False))]
    assert inner == [FILES["plain"][0]]
    assert not list(catalogue.items.files(ME, library.id, Part(b"Music", deep=False)))
    everything = [row[1] for row in catalogue.items.files(ME, library.id)]
    assert everything == sorted(path for path, _ in FILES.values())


def test_a_name_may_hold_what_no_text_of_a_database_holds(catalogue: SqlCatalogue) -> None:
    """NUL in a tag: one of the databases takes it, the other keeps a sign in its place."""
    (library,) = catalogue.libraries.all(ME)
    odd = Tags(title="a\0b", year=2**40, bpm=float("1e300"), track=-1)
    catalogue.items.apply(ME, library.id, ScanBatch(added=[(FoundFile(b"odd.mp3", 2**62, 2**62), odd)]), 2.0)
    item = catalogue.items.by_path(ME, library.id, b"odd.mp3")
    assert item is not None
    assert item.tags.title in {"a\0b", "a\ufffdb"}
    assert (item.tags.year, item.tags.bpm, item.tags.track) == (2**40, 1e300, -1)
    assert (item.state.size, item.state.mtime_ns) == (2**62, 2**62)
    assert isinstance(catalogue.libraries.counts(ME, library.id).bytes, int)


def test_long_words_and_texts_can_be_listed_and_found(catalogue: SqlCatalogue) -> None:
    (library,) = catalogue.libraries.all(ME)
    long = Tags(title="x" * 5000, artist=" ".join(f"w{n}" for n in range(20_000)), album="ﬁn 東京 Ｆｕｌｌ")
    catalogue.items.apply(ME, library.id, ScanBatch(added=[(FoundFile(b"long.mp3", 1, 1), long)]), 2.0)
    while catalogue.listing.take_over(100):
        pass
    item = catalogue.items.by_path(ME, library.id, b"long.mp3")
    assert item is not None
    endless = Tags(title=" ".join(f"v{n}" for n in range(250_000)))
    catalogue.items.apply(ME, library.id, ScanBatch(added=[(FoundFile(b"endless.mp3", 1, 1), endless)]), 2.0)
    while catalogue.listing.take_over(100):
        pass
    assert catalogue.listing.count(ME, Filters(words="v1 v16000")) == 1
    for words in ("w1 w16000", "x" * 400, "w10"):
        page = catalogue.listing.page(ME, Filters(words=words), Sorting(SortBy.ID), limit=10)
        assert page.ids == (item.id,)
