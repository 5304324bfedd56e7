"""Every setting there is: name, default, bounds, help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reprise.core.addresses import check_server_address, check_web_address
from reprise.core.quiet import parse_quiet_hours

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = "bool | int | float | str"

PREFIX = "REPRISE_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. ``least`` and ``most`` bound a number; ``choices`` are the words allowed.

    A ``secret`` is never shown: not in a list, not in an error. ``least_length``: characters of a text that is given.
    ``restart``: a server reads it only when it starts; anything else holds from the next job, question or look on.
    ``check`` raises ``BadSetting`` for a text that makes no sense.
    """

    name: str
    default: Value
    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    least_length: int = 0
    restart: bool = False
    check: Callable[[str], object] | None = None

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("owner", "default", "Whose libraries, vectors and jobs a command speaks of.", restart=True),
    Setting(
        "workers", 0, "Processes that decode (and run light models); 0: one per core, as memory allows.", 0
    ),
    Setting(
        "batch_size",
        0,
        "Windows (or items) that a heavy model encodes at once, at most; halves when memory is short. 0: what the"
        " model's card says.",
        0,
    ),
    Setting(
        "item_timeout", 30.0, "Seconds that one item may take at least before its process is ended.", 0.1
    ),
    Setting(
        "timeout_per_audio_second", 0.1, "Seconds more that it may take for each second that it lasts.", 0.0
    ),
    Setting(
        "max_attempts", 3, "How often an item whose process hangs or crashes is tried before it is failed.", 1
    ),
    Setting("worker_memory_mb", 2048, "Memory that one process may take before it is ended, in MiB.", 64),
    Setting(
        "together_memory_mb",
        0,
        "Memory in MiB within which models of one sample rate are loaded together, to decode each track once; 0:"
        " strictly one model at a time.",
        0,
    ),
    Setting("load_timeout", 600.0, "Seconds that a model may take to load.", 1.0),
    Setting("commit_seconds", 1.0, "A checkpoint at least this often, in seconds.", 0.0),
    Setting("commit_rows", 1000, "A checkpoint after this many results at the latest.", 1),
    Setting(
        "min_decoded",
        0.9,
        "Share of the stated length that must decode, or the file counts as truncated.",
        0.0,
        1.0,
    ),
    Setting("max_audio_hours", 12.0, "Longer sound than this is refused as endless, in hours.", 0.01),
    Setting("keep_missing_days", 30.0, "Days for which the vectors of files that are gone are kept.", 0.0),
    Setting("follow_links", True, "Whether a scan follows linked folders (each real folder once)."),
    Setting(
        "cutover_coverage",
        0.95,
        "Share of the vectors served now that a new space must hold to take over.",
        0.0,
        1.0,
    ),
    Setting(
        "weights", "", "Folder that holds a folder of weights per model; empty: weights in the state folder."
    ),
    Setting(
        "cache",
        "",
        "Folder of what can be made again, such as compiled networks; empty: cache in the state folder.",
    ),
    Setting("device", "auto", "What neural models run on: auto, cpu, cuda, cuda:1, mps."),
    Setting(
        "precision",
        "auto",
        "Numbers that neural models compute with; auto: half precision where it is faster and agrees with float32.",
        choices=("auto", "float32", "bfloat16", "float16"),
    ),
    Setting(
        "engine",
        "torch",
        "What neural models run in; openvino needs the extra fast-cpu and runs on the CPU.",
        choices=("torch", "openvino"),
    ),
    Setting(
        "coverage",
        "auto",
        "How much of a track neural models hear: the whole, or evenly spread windows. auto: as what they search now"
        " was made, else the whole where there is an accelerator.",
        choices=("auto", "whole", "sampled"),
    ),
    Setting(
        "analysis_excerpt",
        0.0,
        "Seconds from the middle of a track that reprise analyze listens to; 0: the whole track.",
        0.0,
    ),
    Setting(
        "rename_batch",
        1000,
        "Files that are renamed between two entries in the journal; 1: each by itself.",
        1,
        1_000_000,
    ),
    Setting(
        "rename_template",
        "",
        "Template of reprise rename plan where none is given; empty: that of the preset dj.",
    ),
    Setting(
        "key_display",
        "musical",
        "How the field key of templates is written: Am, 8A, 1m, or Am 8A.",
        choices=("musical", "camelot", "open-key", "both"),
    ),
    Setting(
        "verify_tempo",
        False,
        "Whether a tempo that was heard wins in names over a tag that is more than 5 % off; half and double never do.",
    ),
    Setting(
        "musicbrainz",
        False,
        "Whether recordings are looked up by their fingerprint at AcoustID and MusicBrainz; needs fpcalc and a key.",
    ),
    Setting(
        "acoustid_key",
        "",
        "Key of an application at AcoustID; kept out of every list and message.",
        secret=True,
    ),
    Setting("acoustid_url", "https://api.acoustid.org", "Address of AcoustID.", check=check_web_address),
    Setting(
        "musicbrainz_url",
        "https://musicbrainz.org",
        "Address of MusicBrainz, or of a mirror.",
        check=check_web_address,
    ),
    Setting("offline", False, "Whether the model hub is never asked."),
    Setting(
        "hub",
        "",
        "Address of a mirror of the model hub; empty: what HF_ENDPOINT says, or the hub itself.",
        check=check_web_address,
    ),
    Setting("hub_timeout", 30.0, "Seconds that the model hub may be silent before fetching ends.", 0.1),
    Setting(
        "endpoint",
        "",
        "OpenAI-compatible address that describes and embeds, up to and with /v1.",
        check=check_web_address,
    ),
    Setting("endpoint_model", "", "The model that describes tracks there."),
    Setting("endpoint_key", "", "Its key; kept out of every list and message.", secret=True),
    Setting(
        "text_model",
        "",
        "What embeds the words of scenes: a folder in the layout of sentence-transformers, the name of one below"
        " weights, or endpoint; empty: nothing, exact words only.",
    ),
    Setting("text_endpoint_model", "", "The model that embeds texts at the endpoint."),
    Setting(
        "image_model",
        "descriptor",
        "What the pictures of scenes are compared by; descriptor: their colours, layout and edges, without weights.",
        choices=("descriptor", "clip", "siglip2"),
    ),
    Setting(
        "person_model",
        "picture",
        "What persons are compared by; picture: whole pictures through image_model, which knows no faces.",
        choices=("picture", "faces"),
    ),
    Setting("face_detector", "", "ONNX file of SCRFD or YuNet that finds faces, from the state folder."),
    Setting("face_embedder", "", "ONNX file that embeds faces as ArcFace does, from the state folder."),
    Setting(
        "transcriber",
        "",
        "What hears speech in videos without subtitles: a size or a folder of faster-whisper; empty: nothing.",
    ),
    Setting("description_endpoint_model", "", "The model that describes scenes there; empty: none does."),
    Setting(
        "step_versions",
        "",
        "Versions of steps of the video pipeline other than those that come with Reprise, as scene_image=2, with"
        " commas between.",
    ),
    Setting(
        "scene_detector",
        "adaptive",
        "How a cut between scenes is told: against the pictures around it, or by how much changes.",
        choices=("adaptive", "content"),
    ),
    Setting("scene_threshold", 0.0, "How great that change must be; 0: what is usual for the detector.", 0.0),
    Setting("scene_min_seconds", 1.0, "Seconds that a scene lasts at least.", 0.0),
    Setting(
        "index_from",
        100000,
        "Vectors of one owner in one space from which on an index is built.",
        1,
        restart=True,
    ),
    Setting(
        "database_timeout",
        30.0,
        "Seconds to wait for another program that holds the database.",
        0.0,
        restart=True,
    ),
    Setting(
        "catalogue_url",
        "",
        "PostgreSQL database for catalogue and ledger, as postgresql://USER:PASSWORD@HOST/NAME; empty: SQLite in the"
        " state folder.",
        secret=True,
        restart=True,
        check=check_server_address,
    ),
    Setting(
        "store",
        "embedded",
        "What keeps the vectors; embedded: files in the state folder.",
        choices=("embedded", "pgvector", "milvus", "opensearch"),
        restart=True,
    ),
    Setting(
        "store_url",
        "",
        "Where that store is: a PostgreSQL, Milvus or OpenSearch address, or a file ending in .db for Milvus Lite; empty:"
        " for pgvector the database of catalogue_url.",
        secret=True,
        restart=True,
        check=check_server_address,
    ),
    Setting(
        "lexical_store",
        "embedded",
        "What keeps the words of scenes; embedded: files in the state folder, opensearch: the server of lexical_url.",
        choices=("embedded", "opensearch"),
        restart=True,
    ),
    Setting(
        "lexical_url",
        "",
        "Address of that OpenSearch server; empty: store_url.",
        secret=True,
        restart=True,
        check=check_server_address,
    ),
    Setting(
        "server_timeout",
        30.0,
        "Seconds in which a database, store or broker must answer.",
        0.1,
        restart=True,
    ),
    Setting(
        "server_patience",
        3600.0,
        "Seconds for which a job waits for a database or store that is away before it gives up.",
        0.0,
        restart=True,
    ),
    Setting(
        "broker_url",
        "",
        "Redis (redis://…) or RabbitMQ (amqp://…) that wakes workers; empty: the server runs jobs itself.",
        secret=True,
        restart=True,
        check=check_server_address,
    ),
    Setting(
        "slice_seconds",
        240.0,
        "Seconds after which a worker gives others their turn with a job.",
        1.0,
        7200.0,
    ),
    Setting(
        "lease_seconds",
        60.0,
        "Seconds after which what a worker had in hand is free again, when nothing is heard of it.",
        10.0,
        3600.0,
        restart=True,
    ),
    Setting(
        "subsonic_url",
        "",
        "Address of the Subsonic server that playlists are sent to, without /rest.",
        check=check_web_address,
    ),
    Setting("subsonic_user", "", "Whose playlists they become there."),
    Setting(
        "subsonic_password", "", "That user's password; kept out of every list and message.", secret=True
    ),
    Setting("subsonic_timeout", 30.0, "Seconds in which that server must have answered a question.", 0.1),
    Setting(
        "host",
        "127.0.0.1",
        "Address that the server listens on; 0.0.0.0: every one of this machine.",
        restart=True,
    ),
    Setting("port", 7744, "Its port; 0: none, only the Unix socket.", 0, 65535, restart=True),
    Setting(
        "uds", "", "Unix socket that the server listens on as well, mode 0600; empty: none.", restart=True
    ),
    Setting(
        "embed_socket",
        "",
        "Unix socket for the one-line JSON protocol of embedding; empty: none.",
        restart=True,
    ),
    Setting(
        "allowed_hosts",
        "",
        "Names under which the server may be asked, with commas between; its own addresses always are. *: any.",
        restart=True,
    ),
    Setting(
        "compat_owner",
        "",
        "Owner for whom programs of this machine may use the paths of earlier embedding services without a token;"
        " empty: they need one.",
    ),
    Setting(
        "trusted_proxies",
        "",
        "Addresses of reverse proxies whose X-Forwarded headers are believed, with commas between; unix: the Unix socket.",
        restart=True,
    ),
    Setting("session_days", 30.0, "Days after which a browser must sign in again.", 0.01),
    Setting(
        "admin_password",
        "",
        "Password of the first administrator; empty: one for a single use is printed.",
        secret=True,
        least_length=8,
        restart=True,
    ),
    Setting(
        "jwt_secret",
        "",
        "Secret with which programs sign their HS256 tokens, 32 characters at least; empty: none are taken.",
        secret=True,
        least_length=32,
    ),
    Setting("watch", True, "Whether the server follows its libraries and embeds what is new."),
    Setting(
        "watch_poll_seconds",
        30.0,
        "How often a library on a network mount, where nobody tells of changes, is looked at.",
        0.1,
    ),
    Setting("watch_delay", 0.5, "Seconds that a new file must rest before it counts as written.", 0.0),
    Setting(
        "scan_models",
        "",
        "Models that embed what is new, with commas between; empty: those that search answers with.",
    ),
    Setting("embed_retries", 3, "How often embedding what is new is tried again when it cannot run.", 0),
    Setting("embed_retry_wait", 2.0, "Seconds before the first of these; each wait is twice the last.", 0.0),
    Setting("embed_retry_cap", 30.0, "The longest of these waits, in seconds.", 0.0),
    Setting("embed_progress_seconds", 30.0, "How often the server's log says how far embedding is.", 0.1),
    Setting(
        "navidrome_database", "", "Path of Navidrome's database, which is only read; empty: its API is asked."
    ),
    Setting(
        "quiet_hours",
        "",
        "Times of day in which the server's jobs wait, as 07:00-23:00, with commas between; what is new is embedded"
        " at any time. Empty: none.",
        check=parse_quiet_hours,
    ),
    Setting(
        "job_niceness",
        10,
        "How far the server's jobs give way to other programs; files that just came do not.",
        0,
        19,
    ),
    Setting(
        "notify",
        "",
        "Where to say that a job has ended: Apprise addresses (mailto://…), with spaces between.",
        secret=True,
        check=check_server_address,
    ),
    Setting("notify_minutes", 10.0, "Only of jobs that took this long, in minutes; failures always.", 0.0),
    Setting(
        "log_level",
        "error",
        "What is logged to standard error.",
        choices=("debug", "info", "warning", "error"),
        restart=True,
    ),
    Setting("log_format", "text", "How it is logged.", choices=("text", "json"), restart=True),
)
