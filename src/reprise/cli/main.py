"""``reprise``: all commands, and how a run of one ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from reprise import __version__
from reprise.cli.lazy import LazyGroup
from reprise.errors import RepriseError, system_error
from reprise.threads import use_one_thread_by_default

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "embed": "Embed a folder of music: scan, decode, encode, store.",
    "analyze": "Hear tempo, key, loudness and cues of a folder of music.",
    "scan": "Look for new and changed files; embed them if asked.",
    "similar": "Find music that sounds like a track, or like several.",
    "search": "Find music that fits a text.",
    "path": "Find a path of songs from one track to another.",
    "radio": "Play on from a track, without repeats.",
    "map": "Draw the library as a map: what sounds alike lies together.",
    "duplicates": "Report which tracks are the same recording, or nearly.",
    "cues": "List intro, drops and breakdowns; export them for Rekordbox.",
    "status": "Show libraries, what is embedded, what is open.",
    "jobs": "List, show, pause, resume, cancel and retry jobs.",
    "errors": "List what failed and why; retry or dismiss it.",
    "explain": "Say why an item is in the state it is in.",
    "libraries": "List, add and remove libraries.",
    "tags": "Show tags beside what was heard; write tempo and key.",
    "videos": "Take in folders of videos; list, show, import, export them.",
    "scenes": "Find scenes of videos by words, pictures and persons.",
    "persons": "List and add persons, with photos to know them by.",
    "reprocess": "Bring embeddings of videos up to the pipeline of today.",
    "rename": "Plan names by a template, rename by the plan, take it back.",
    "split": "Write the tracks of cue sheets as files.",
    "serve": "Serve the API and the web panel; run jobs; follow libraries.",
    "worker": "Work on the queue's jobs, on any number of machines.",
    "users": "List, add and remove who may sign in to the server.",
    "models": "List the embedding models; show, fetch and measure them.",
    "stores": "List what each store of vectors can do, and which is used.",
    "spaces": "List the spaces of vectors; switch back, verify, drop.",
    "move": "Copy an installation to servers, or back; resumable.",
    "settings": "List every setting with its value and where to set it.",
    "logs": "Count what a server's log says: errors, retries, trouble.",
    "doctor": "Check everything and say the cure of what is wrong.",
}


@click.command(
    cls=LazyGroup,
    package="reprise.cli",
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: reprise embed ~/Music && reprise similar 'Karma Police'",
)
@click.version_option(__version__, prog_name="reprise")
def cli() -> None:
    """Reprise keeps the embeddings of a media library up to date."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 all done; 1 some items failed; 2 cannot run or wrong arguments; 130 interrupted.
    """
    given = sys.argv[1:] if arguments is None else arguments
    use_one_thread_by_default()
    try:
        code = cli.main(args=given, prog_name="reprise", standalone_mode=False)
    except click.ClickException as error:
        if "--json" in given:
            _tell_scripts(error)
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except RepriseError as error:
        show_error(error)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output left (`reprise errors | head`): nobody is there to be told.
        sys.stdout = None
        sys.exit(0)
    except (OSError, MemoryError) as error:
        show_error(system_error(error))
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def _tell_scripts(error: click.ClickException) -> None:
    """Wrong arguments, for a script that reads our standard output."""
    from reprise.cli.common import write_json

    write_json({"event": "error", "code": "usage", "message": error.format_message(), "cure": ""})


def show_error(error: RepriseError) -> None:
    """One clear message: what is wrong, and its cure."""
    click.echo(f"reprise: {error.message}", err=True)
    if error.cure:
        click.echo(f"  cure: {error.cure}", err=True)
