"""``reprise serve``: the API, the web panel, and the jobs that they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on; 0.0.0.0: every one of this machine.")
@click.option("--port", type=int, help="Its port; 0: none, only the Unix socket.")
@click.option("--uds", metavar="PATH", help="Unix socket to listen on as well.")
@click.option(
    "--embed-socket", metavar="PATH", help="Unix socket for the one-line JSON protocol of embedding."
)
@click.option("--log-level", help="debug, info, warning or error, to standard error.")
@common_options
@example("reprise serve --host 0.0.0.0 --port 7744")
def serve(
    host: str | None,
    port: int | None,
    uds: str | None,
    embed_socket: str | None,
    log_level: str | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Serve the API and the web panel; run jobs, follow libraries, go on with what was under way.

    The first start makes an administrator and prints a password for a single use. Ctrl-C or SIGTERM ends it in
    order; jobs go on at the next start.
    """
    flags = {"host": host, "port": port, "uds": uds, "embed_socket": embed_socket, "log_level": log_level}
    with opened(owner, home, as_json=as_json, **flags) as app:
        from reprise.server.serving import serve_until_told

        app.catalogue(create=True)
        return serve_until_told(app, as_json=as_json)
