"""The error tree. Every error carries facts, a stable code and its cure.

RepriseError
├── UsageError                the request itself is wrong            exit code 2
│   ├── UnknownModel
│   ├── BadSetting
│   ├── SettingHeld           something stronger than the file sets it
│   ├── NotFound
│   ├── NotSignedIn           nobody says who asks
│   ├── Forbidden             who asks may not
│   │   └── PasswordChangeNeeded
│   ├── AccountConflict       the name is taken, or no administrator would be left
│   ├── TooManyTries          too many wrong passwords
│   ├── BadTemplate           a template for names that cannot be used
│   ├── BadPlan               a plan of renaming that is damaged or too old
│   ├── BadPhoto              what was sent as a photo is no picture
│   └── TooLarge              more was sent than is taken
├── LibraryError              a library's folder cannot be scanned   exit code 2
├── JobConflict               another run holds the work             exit code 2
├── RenameConflict            a renaming is in the way               exit code 2
├── CatalogueError            the database cannot be used            exit code 2
│   ├── CatalogueMissing
│   ├── CatalogueLocked
│   ├── CatalogueCorrupt
│   ├── CatalogueTooNew
│   ├── NotACatalogue
│   ├── CatalogueAway         its server does not answer: try again
│   └── CatalogueRefused      its server does not let us in, or is too old
├── StoreError                vectors cannot be read or written      exit code 2
│   ├── StoreAway             its server does not answer: try again
│   ├── StoreRefused          its server does not let us in, or is too old
│   └── StoreUnable           it does not offer what is asked
├── BrokerError               workers cannot be woken                exit code 2
│   ├── BrokerAway
│   └── BrokerRefused
├── SpecConflict              a worker's model is not the job's      exit code 2
├── DiskFull                                                         exit code 2
├── SystemTrouble             the system refuses what a program needs  exit code 2
├── ModelError                one model cannot run                   the job goes on with the next
│   ├── ModelBusy             it has not answered in time: ask again
│   ├── ModelLoadFailed
│   │   ├── ExtraMissing
│   │   ├── WeightsMissing
│   │   └── WeightsRefused
│   ├── CanaryFailed
│   ├── DeviceLost
│   └── EndpointLost
├── RemoteError               another server does not do what is asked   exit code 2
│   ├── RemoteUnreachable
│   └── RemoteRefused
├── SearchDown                nothing that a search asks can answer  exit code 2
├── SpaceHeld                 a space did not pass its gates; the old one goes on serving
└── ItemError                 one item failed                        the job goes on
    ├── Unreadable, Vanished, TimedOut, WorkerCrashed, MemoryExceeded, RunnerLost, EndpointFailed   (retryable)
    └── EmptyFile, NotAudio, NoAudioStream, Truncated, TooShort, TooLong, Silent, BadVector, ModelFailed,
        NoDescription, BadDescription, BadSubtitles, TagsNotWritten, NotAPicture, NoFace, NothingToSee, NotVideo, NoPictures

``code`` is what the ledger, the API and scripts read; ``retryable`` is what the retry policy reads;
``http_status`` is what the API answers; ``cure`` is what a person reads.
"""

from __future__ import annotations

import errno
import os
from typing import ClassVar


class RepriseError(Exception):
    """Base of all errors that Reprise raises on purpose."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    default_cure: ClassVar[str] = ""

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure or self.default_cure

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.cure))


def _rebuild(kind: type[RepriseError], message: str, cure: str) -> RepriseError:
    return kind(message, cure=cure)


class UsageError(RepriseError):
    code = "usage"
    http_status = 422


class UnknownModel(UsageError):
    code = "unknown_model"


class BadSetting(UsageError):
    code = "bad_setting"


class SettingHeld(UsageError):
    code = "setting_held"
    http_status = 409


class NotFound(UsageError):
    code = "not_found"
    http_status = 404


class NotSignedIn(UsageError):
    code = "not_signed_in"
    http_status = 401
    default_cure = "sign in, or send a token: Authorization: Bearer TOKEN"


class Forbidden(UsageError):
    code = "forbidden"
    http_status = 403
    default_cure = "ask an administrator"


class PasswordChangeNeeded(Forbidden):
    code = "password_change_needed"
    default_cure = "choose a password of your own first: POST /api/v1/auth/password"


class AccountConflict(UsageError):
    code = "account_conflict"
    http_status = 409


class TooManyTries(UsageError):
    """``wait`` in seconds until the next try is looked at."""

    code = "too_many_tries"
    http_status = 429
    retryable = True

    def __init__(self, message: str, *, cure: str = "", wait: float = 60.0) -> None:
        super().__init__(message, cure=cure or f"wait {wait:.0f} seconds")
        self.wait = wait


class TooLarge(UsageError):
    code = "too_large"
    http_status = 413


class BadTemplate(UsageError):
    """``position`` is where the fault begins, in characters from 0, and ``length`` how far it goes."""

    code = "bad_template"

    def __init__(self, message: str, *, cure: str = "", position: int = 0, length: int = 1) -> None:
        super().__init__(message, cure=cure)
        self.position = position
        self.length = length


class BadPlan(UsageError):
    code = "bad_plan"
    default_cure = "make a new one: reprise rename plan FOLDER --output FILE"


class BadPhoto(UsageError):
    code = "bad_photo"
    default_cure = "send a whole JPEG, PNG or WebP"


class LibraryError(RepriseError):
    code = "library"
    http_status = 422


class JobConflict(RepriseError):
    code = "job_conflict"
    http_status = 409
    default_cure = "wait for it, or look at it with: reprise jobs list"


class RenameConflict(RepriseError):
    code = "rename_conflict"
    http_status = 409


class CatalogueError(RepriseError):
    code = "catalogue"
    http_status = 503


class CatalogueMissing(CatalogueError):
    code = "catalogue_missing"
    default_cure = "make one with: reprise embed FOLDER"


class CatalogueLocked(CatalogueError):
    code = "catalogue_locked"
    retryable = True
    default_cure = "another program holds the database; end it or wait, then try again"


class CatalogueCorrupt(CatalogueError):
    code = "catalogue_corrupt"
    default_cure = "restore the file from a backup; Reprise has not changed it"


class CatalogueTooNew(CatalogueError):
    code = "catalogue_too_new"
    default_cure = "upgrade Reprise; this version has not changed the file"


class NotACatalogue(CatalogueError):
    code = "not_a_catalogue"
    default_cure = "point REPRISE_HOME at another folder, or move that file away; Reprise has not changed it"


class CatalogueAway(CatalogueError):
    code = "catalogue_away"
    retryable = True
    default_cure = "start the database server, or correct catalogue_url; what was committed is safe"


class CatalogueRefused(CatalogueError):
    code = "catalogue_refused"
    default_cure = "correct user, password and database in catalogue_url"


class StoreError(RepriseError):
    code = "store"
    http_status = 503
    retryable = True


class StoreAway(StoreError):
    code = "store_away"
    retryable = True
    default_cure = "start the store's server, or correct store_url; what was stored is safe"


class StoreRefused(StoreError):
    code = "store_refused"
    default_cure = "correct user and password in store_url"


class StoreUnable(StoreError):
    code = "store_unable"
    http_status = 422


class BrokerError(RepriseError):
    code = "broker"
    http_status = 503


class BrokerAway(BrokerError):
    code = "broker_away"
    retryable = True
    default_cure = "start the broker, or correct broker_url; jobs wait in the catalogue"


class BrokerRefused(BrokerError):
    code = "broker_refused"
    default_cure = "correct user and password in broker_url"


class SpecConflict(RepriseError):
    code = "spec_conflict"
    http_status = 409
    default_cure = "give all workers the same release, weights and settings, or start the job anew"


class DiskFull(RepriseError):
    code = "disk_full"
    http_status = 507
    retryable = True
    default_cure = "free some space and run the same command again; it goes on where it stopped"


class SystemTrouble(RepriseError):
    """A failing disk, no right, no more files or memory: whatever the system says that nobody knows better."""

    code = "system"
    http_status = 503
    retryable = True
    default_cure = (
        "look at the system log for the reason, then run the same command again; it goes on where it stopped"
    )


class ModelError(RepriseError):
    code = "model"
    http_status = 503


class ModelBusy(ModelError):
    code = "model_busy"
    retryable = True
    default_cure = "ask again in a moment: the text is still being read, and what comes out is kept"


class ModelLoadFailed(ModelError):
    code = "model_load_failed"


class ExtraMissing(ModelLoadFailed):
    code = "extra_missing"
    default_cure = "install it with: pip install 'reprise[models]'"


class WeightsMissing(ModelLoadFailed):
    code = "weights_missing"


class WeightsRefused(ModelLoadFailed):
    code = "weights_refused"
    default_cure = "delete the file and let it be fetched anew, or put the right one in its place"


class DeviceLost(ModelError):
    code = "device_lost"
    default_cure = (
        "look at the system log for the reason, then run the same command again; it goes on where it stopped"
    )


class EndpointLost(ModelError):
    code = "endpoint_lost"
    default_cure = (
        "see that the server of the setting endpoint runs and takes the key, then run the same command again;"
        " it goes on where it stopped"
    )


class CanaryFailed(ModelError):
    code = "canary_failed"
    default_cure = "the model's weights or its code are broken: nothing of it was stored"


class RemoteError(RepriseError):
    code = "remote"
    http_status = 502


class RemoteUnreachable(RemoteError):
    code = "remote_unreachable"
    http_status = 504
    retryable = True


class RemoteRefused(RemoteError):
    code = "remote_refused"


class SearchDown(RepriseError):
    code = "search_down"
    http_status = 503
    retryable = True
    default_cure = "see what is wrong with: reprise doctor; then ask again"


class SpaceHeld(RepriseError):
    code = "space_held"
    http_status = 409


class ItemError(RepriseError):
    """One item failed. The message names the reason; the caller knows the file."""

    code = "item"
    http_status = 422


class Unreadable(ItemError):
    code = "unreadable"
    retryable = True
    default_cure = "give the user that runs Reprise the right to read the file; the next run tries again"


class Vanished(ItemError):
    code = "vanished"
    retryable = True
    default_cure = "the file was there at the scan and is gone; the next run looks again"


class TimedOut(ItemError):
    code = "timed_out"
    retryable = True
    default_cure = (
        "raise the setting item_timeout if the machine is slow; else the file is odd: encode it anew"
    )


class WorkerCrashed(ItemError):
    code = "worker_crashed"
    retryable = True
    default_cure = (
        "the file crashes the decoder: encode it anew, or dismiss it with: reprise errors --dismiss"
    )


class MemoryExceeded(ItemError):
    code = "memory_exceeded"
    retryable = True
    default_cure = "raise the setting worker_memory_mb, or leave the file out"


class RunnerLost(ItemError):
    code = "runner_lost"
    retryable = True
    default_cure = (
        "the run died each time with this item alone in hand; look at the system log for the reason"
    )


class EmptyFile(ItemError):
    code = "empty_file"
    default_cure = "the file has no bytes: restore it from a backup or delete it"


class NotAudio(ItemError):
    code = "not_audio"
    default_cure = "the content is no audio that FFmpeg knows: restore the file or exclude it"


class NoAudioStream(ItemError):
    code = "no_audio_stream"
    default_cure = "the file holds no sound: exclude it"


class Truncated(ItemError):
    code = "truncated"
    default_cure = "restore the file from a backup, or lower the setting min_decoded to accept part of it"


class TooShort(ItemError):
    code = "too_short"
    default_cure = "there is too little sound in it to describe: exclude it or dismiss the error"


class TooLong(ItemError):
    code = "too_long"
    default_cure = "raise the setting max_audio_hours if the length is right"


class Silent(ItemError):
    code = "silent"
    default_cure = "there is nothing to hear in it: exclude it or dismiss the error"


class BadVector(ItemError):
    code = "bad_vector"
    default_cure = "the model gave no usable vector for this item; nothing was stored"


class ModelFailed(ItemError):
    code = "model_failed"
    default_cure = "the model itself raised on this item; see the message"


class EndpointFailed(ItemError):
    code = "endpoint_failed"
    retryable = True
    default_cure = "look at what the server of the setting endpoint says, then: reprise jobs retry --code endpoint_failed"


class NoDescription(ItemError):
    code = "no_description"
    default_cure = (
        "write one beside the track, as NAME.description.txt, or set endpoint and endpoint_model;"
        " then: reprise jobs retry --code no_description"
    )


class BadDescription(ItemError):
    code = "bad_description"
    default_cure = "save the text beside the track as UTF-8 of at most 64 KiB, then: reprise jobs retry --code bad_description"


class NotAPicture(ItemError):
    code = "not_a_picture"
    default_cure = "give it as JPEG, PNG or WebP of at most 100 megapixels"


class NoFace(ItemError):
    code = "no_face"
    default_cure = "give another photo: one face from the front, unobstructed, at least 60 pixels wide"


class NothingToSee(ItemError):
    """What the model looks for is not in the item: it is done, there is no vector, and nobody has to do anything."""

    code = "nothing_to_see"
    default_cure = "nothing is wrong: what this model looks for is not in the picture"


class NotVideo(ItemError):
    code = "not_video"
    default_cure = "the content is no video that FFmpeg knows: restore the file or exclude it"


class NoPictures(ItemError):
    code = "no_pictures"
    default_cure = "the file holds no moving pictures: exclude it, or keep it in a library of music"


class BadSubtitles(ItemError):
    code = "bad_subtitles"
    default_cure = (
        "save the file as SubRip or WebVTT text, or delete it; then: reprise jobs retry --code bad_subtitles"
    )


class TagsNotWritten(ItemError):
    code = "tags_not_written"
    default_cure = "the file is as it was; write its tags with another program if they matter"


_SYSTEM_CURES = {
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE),
        "allow more open files (ulimit -n 4096), then run the same command again",
    ),
    errno.ENOMEM: "give it more memory or lower the setting workers, then run the same command again",
    errno.EAGAIN: "allow more processes (ulimit -u) or lower the setting workers, then run the same command again",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "give the user that runs Reprise the right to read and write there, then run the same command again",
    ),
}


def system_error(error: OSError | MemoryError) -> DiskFull | SystemTrouble:
    """What the system refused, as an error of ours that names the file and the cure."""
    number = errno.ENOMEM if isinstance(error, MemoryError) else error.errno or 0
    name = getattr(error, "filename", None)
    what = os.strerror(number) if number else str(error) or type(error).__name__
    where = f"{os.fsdecode(name)}: " if isinstance(name, str | bytes | os.PathLike) else ""
    if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DiskFull(f"{where}{what}")
    return SystemTrouble(f"{where}{what}", cure=_SYSTEM_CURES.get(number, ""))


def model_error(code: str, message: str, cure: str) -> ModelError:
    """Rebuild a model's error from what its process says; an unknown code becomes ``ModelLoadFailed``."""
    kinds: list[type[ModelError]] = [
        ModelError,
        *ModelError.__subclasses__(),
        *ModelLoadFailed.__subclasses__(),
    ]
    return next((kind for kind in kinds if kind.code == code), ModelLoadFailed)(message, cure=cure)


def _item_errors() -> dict[str, type[ItemError]]:
    kinds: list[type[ItemError]] = [ItemError, *ItemError.__subclasses__()]
    return {kind.code: kind for kind in kinds}


def item_error(code: str, message: str) -> ItemError:
    """Rebuild an item's error from what a ledger row or a worker's message holds.

    An unknown code (a later version wrote it) becomes a plain ``ItemError``.
    """
    return _item_errors().get(code, ItemError)(message)
