"""From a file to what MusicBrainz knows of its recording: fingerprint, AcoustID, MusicBrainz.

AcoustID: https://acoustid.org/webservice (three questions a second at most). MusicBrainz:
https://musicbrainz.org/doc/MusicBrainz_API (one a second, with a User-Agent that names the program).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from reprise.core.file_fields import OnlineFacts
from reprise.errors import RemoteError, RemoteUnreachable
from reprise.musicbrainz.asking import Pace, Service
from reprise.musicbrainz.chromaprint import NoFingerprint, chromaprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LEAST_SCORE = 0.5
"""A recording that AcoustID is less sure of is none."""

GIVE_UP_AFTER = 3
"""So many questions in a row that reach nobody, and nobody is asked any more."""

_FINGERPRINT_SECONDS = 60.0


class Recognised(NamedTuple):
    """``note`` says why there are no facts; empty when there are, or when the recording is not known."""

    facts: OnlineFacts | None
    note: str = ""


class Recogniser:
    """Asks for one file at a time. Trouble becomes a note, never an error."""

    def __init__(
        self,
        key: str,
        *,
        acoustid: str = "https://api.acoustid.org",
        musicbrainz: str = "https://musicbrainz.org",
        seconds: float = 15.0,
        program: str = "fpcalc",
        paces: tuple[float, float] = (1 / 3, 1.0),
    ) -> None:
        """``key``: of an application registered at AcoustID. ``paces``: seconds between questions to each of the two.

        Raises ``BadSetting`` for an address that is none.
        """
        self._key, self._program = key, program
        self._acoustid = Service("acoustid", acoustid, Pace(paces[0]), seconds)
        self._musicbrainz = Service("musicbrainz", musicbrainz, Pace(paces[1]), seconds)
        self._unreached = 0

    @classmethod
    def of(cls, setting: Callable[[str], str]) -> Recogniser:
        """As the settings say; ``setting`` gives the text of one. Raises ``BadSetting``."""
        return cls(
            setting("acoustid_key"), acoustid=setting("acoustid_url"), musicbrainz=setting("musicbrainz_url")
        )

    def recognise(self, path: bytes) -> Recognised:
        """What is known of the file at the absolute ``path``."""
        if reason := self._silent_because():
            return Recognised(None, f"MusicBrainz was not asked: {reason}")
        try:
            facts = self._known(path)
        except RemoteUnreachable as error:
            self._unreached += 1
            return Recognised(None, f"MusicBrainz was not asked: {error.message}")
        except (NoFingerprint, RemoteError) as error:
            return Recognised(None, f"MusicBrainz has no answer: {error}")
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return Recognised(None, "MusicBrainz has no answer: what comes back is not understood")
        self._unreached = 0
        return Recognised(facts)

    def _silent_because(self) -> str:
        if not self._key:
            return "the setting acoustid_key is empty"
        return "it could not be reached before" if self._unreached >= GIVE_UP_AFTER else ""

    def _known(self, path: bytes) -> OnlineFacts | None:
        mark = chromaprint(path, _FINGERPRINT_SECONDS, self._program)
        form = {
            "client": self._key,
            "meta": "recordingids",
            "duration": mark.seconds,
            "fingerprint": mark.fingerprint,
            "format": "json",
        }
        answer = self._acoustid.ask("POST", "/v2/lookup", urlencode(form))
        best = _best(answer)
        if best is None:
            return None
        recording, score = best
        target = f"/ws/2/recording/{quote(recording, safe='')}?inc=artist-credits+releases&fmt=json"
        return _facts(self._musicbrainz.ask("GET", target), recording, score)


def _best(answer: Mapping[str, Any]) -> tuple[str, float] | None:
    """The recording of the best result that has one, and how sure AcoustID is, 0 to 1."""
    for result in sorted(answer.get("results", ()), key=lambda result: -float(result["score"])):
        if float(result["score"]) < LEAST_SCORE:
            return None
        if result.get("recordings"):
            return str(result["recordings"][0]["id"]), min(1.0, float(result["score"]))
    return None


def _facts(recording: Mapping[str, Any], identity: str, score: float) -> OnlineFacts:
    credit = "".join(part["name"] + part.get("joinphrase", "") for part in recording.get("artist-credit", ()))
    releases = sorted(recording.get("releases", ()), key=_release_order)
    first = str(recording.get("first-release-date") or (releases[0].get("date", "") if releases else ""))[:4]
    return OnlineFacts(
        recording=identity,
        confidence=score,
        artist=credit.strip() or None,
        title=str(recording.get("title", "")).strip() or None,
        album=str(releases[0]["title"]).strip() or None if releases else None,
        year=int(first) if first.isdecimal() and 1900 <= int(first) <= 2099 else None,
    )


def _release_order(release: Mapping[str, Any]) -> tuple[bool, str]:
    """Official ones first, and of them the earliest; one without a date comes last."""
    return release.get("status") != "Official", str(release.get("date") or "9999")
