"""The services of a server, in the order in which they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.server.house import House, Service


def services_of(house: House) -> Sequence[Service]:
    """Made here, started by the house."""
    from reprise.engine.quiet import QuietGate
    from reprise.server.clock import Clock
    from reprise.server.duplicates import DuplicateFinder
    from reprise.server.embedding.socket import EmbedSocket
    from reprise.server.following import Follower
    from reprise.server.job_host import runner_of_jobs
    from reprise.server.listing_upkeep import ListingUpkeep
    from reprise.server.live import Live
    from reprise.server.maps import Maps
    from reprise.server.model_list import ModelList
    from reprise.server.notices import Notices
    from reprise.server.previews import Previews
    from reprise.server.readiness import Readiness
    from reprise.server.renaming import Renamings
    from reprise.server.scene_asking import SceneAsking
    from reprise.server.texts import Texts
    from reprise.server.uploads import Uploads

    quiet = QuietGate(lambda: house.app.settings.text("quiet_hours"))
    return [
        Maps(house),
        DuplicateFinder(house),
        Texts(house),
        ListingUpkeep(house),
        Previews(house),
        Uploads(),
        SceneAsking(house),
        ModelList(house),
        Readiness(house),
        Live(house),
        Clock(house),
        Notices(house),
        Renamings(house),
        runner_of_jobs(house, quiet.quiet_until),
        Follower(house),
        EmbedSocket(house),
    ]
