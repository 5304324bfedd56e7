"""The real weights, from the model hub to search: ``python -m benchmarks.real_weights``. Has not been run here, see docs.

Fetches the models as ``reprise models fetch`` does, embeds a folder (the demo library if none is named), and says of
each model: whether all tracks got a vector; whether its windows' features are those of the authors' or transformers'
code, where that can be imported; how its vectors agree with published ones, if a file of them is given; whether one
recording in two formats finds itself; what a text finds. Exit code 0 when every check passed, 1 otherwise.

A file of published vectors is an ``.npz`` with a ``MODEL/PATH`` for each vector, PATH relative to the folder.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.upstream import UPSTREAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from reprise.app import App
    from reprise.core.events import Event
    from reprise.core.items import Item, Library
    from reprise.core.space import Space

MODELS = ("muq", "mert", "music2latent", "clap", "muq-mulan")
LEAST_UPSTREAM_COSINE = 0.99999
LEAST_PUBLISHED_COSINE = 0.999
COMPARED_WINDOWS = 2
TEXTS = ("slow, sad solo piano", "fast electronic dance music with a strong beat")
LISTED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one model. ``passed`` is ``None`` for what only a person can judge, and for what was not to be had."""

    model: str
    check: str
    found: str
    passed: bool | None


def main(arguments: Sequence[str]) -> int:
    from reprise.app import App
    from reprise.settings import load_settings

    options = _options(arguments)
    findings: list[Finding] = []
    flags = {"device": options.device, "precision": options.precision}
    with App(load_settings(flags, home=options.home)) as app:
        for finding in check(app, options.model or MODELS, options.folder, options.published):
            findings.append(finding)
            _tell(finding, as_json=options.json)
    return 1 if not findings or any(finding.passed is False for finding in findings) else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help=f"if not given: {', '.join(MODELS)}")
    parser.add_argument("--folder", type=Path, help="music to embed; the demo library if not given")
    parser.add_argument("--home", type=Path, help="state folder")
    parser.add_argument("--published", type=Path, help="an .npz of vectors to compare with")
    parser.add_argument("--device", help="as the setting")
    parser.add_argument("--precision", help="as the setting")
    parser.add_argument("--json", action="store_true", help="one JSON object per finding")
    return parser.parse_args(arguments)


def check(app: App, models: Sequence[str], folder: Path | None, published: Path | None) -> Iterator[Finding]:
    """All findings, as they come."""
    music = folder or _demo(app)
    ready = []
    for model in models:
        finding = fetched(app, model)
        yield finding
        if finding.passed:
            ready.append(model)
    if not ready:
        return
    library, _ = app.library_of(music)
    yield from embedded(app, library, ready)
    items = {item.path: item for item in _items(app, library)}
    vectors = _published(published)
    for model in ready:
        yield from like_upstream(app, model, items)
        yield from like_published(app, model, items, vectors)
        yield twins_found(app, model, list(items.values()))
        yield from texts_found(app, model)


def _demo(app: App) -> Path:
    from reprise.demo.library import make_demo_library

    make_demo_library(app.demo_folder)
    return app.demo_folder


def fetched(app: App, model: str) -> Finding:
    """Weights on disk, by way of the model hub unless they are there."""
    from reprise.errors import RepriseError

    try:
        card = app.installed.ready(model, lambda line: print(line, file=sys.stderr))
    except RepriseError as error:
        return Finding(model, "weights", f"{error.message}; cure: {error.cure}", passed=False)
    return Finding(
        model, "weights", f"{card.repository} {card.revision}, sha256 {card.spec.weights}", passed=True
    )


def embedded(app: App, library: Library, models: Sequence[str]) -> Iterator[Finding]:
    """One job with all models; what each of them did."""
    from reprise.core.events import ModelFinished, ModelLoaded
    from reprise.core.plan import Selection

    events: list[Event] = []
    selection = Selection(app.owner, library.id)
    app.embed(selection, models, events.append, told=lambda line: print(line, file=sys.stderr))
    placed = {event.model: event.placement for event in events if isinstance(event, ModelLoaded)}
    for event in events:
        if isinstance(event, ModelFinished):
            text = (
                f"{event.done} new, {event.skipped} kept, {event.failed} failed, {event.seconds:.0f} s"
                f" ({placed.get(event.model, 'nothing to do')}) {event.error}"
            )
            passed = event.state == "finished" and not event.failed
            yield Finding(event.model, "embedded", text.strip(), passed)


def like_upstream(app: App, model: str, items: Mapping[bytes, Item]) -> Iterator[Finding]:
    """Features of the first windows of one track, in float32 on the CPU, beside the other implementation's."""
    if model not in UPSTREAM:
        return
    from reprise.models.network import Network
    from reprise.models.registry import load_model

    choices = app.installed.choices(model)
    network = load_model(model, type(choices)(weights=choices.weights, device="cpu", precision="float32"))
    assert isinstance(network, Network)
    try:
        hear = UPSTREAM[model](network.weights.folder)
    except ImportError as error:
        yield Finding(model, "beside upstream", f"not compared: {error}", passed=None)
        return
    network.load()
    windows = list(itertools.islice(_windows(app, network, next(iter(items.values()))), COMPARED_WINDOWS))
    ours = [np.asarray(output) for output in network.encode(windows)]
    cosine = min(cosine_of(own, hear(window)) for own, window in zip(ours, windows, strict=True))
    text = f"least cosine of {len(windows)} windows {cosine:.7f}"
    yield Finding(model, "beside upstream", text, cosine >= LEAST_UPSTREAM_COSINE)


def _windows(app: App, network: object, item: Item) -> Iterator[NDArray[np.float32]]:
    from reprise.media.decode import AudioFile
    from reprise.models.network import Network

    assert isinstance(network, Network)
    return network.windows(AudioFile(app.path_of(item), network.anatomy.sample_rate))


def like_published(
    app: App, model: str, items: Mapping[bytes, Item], vectors: Mapping[str, NDArray[np.float32]]
) -> Iterator[Finding]:
    """Stored vectors beside those of the file, for the tracks that both have."""
    known = {
        items[path.encode()].id: vector
        for name, vector in vectors.items()
        for owner, _, path in [name.partition("/")]
        if owner == model and path.encode() in items
    }
    if not known:
        return
    stored = app.store.get(app.owner, _space(app, model).name, list(known))
    cosines = [cosine_of(stored[key], vector) for key, vector in known.items() if key in stored]
    least = min(cosines, default=0.0)
    text = f"{len(cosines)} of {len(known)} tracks stored, least cosine {least:.6f}"
    yield Finding(
        model,
        "beside published vectors",
        text,
        len(cosines) == len(known) and least >= LEAST_PUBLISHED_COSINE,
    )


def twins_found(app: App, model: str, items: Sequence[Item]) -> Finding:
    """Whether each recording that lies there in several files, by artist and title, finds one of the others first."""
    from reprise.search.similar import similar

    groups: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for item in items:
        if item.tags.artist and item.tags.title:
            groups[item.tags.artist, item.tags.title].add(item.id)
    twins = {key: group for group in groups.values() if len(group) > 1 for key in group}
    seeds = [item for item in items if item.id in twins]
    if not seeds:
        return Finding(model, "one recording in two formats", "no track is there twice", passed=None)
    lost = []
    for seed in seeds:
        matches = similar(app.catalogue(), app.store, app.owner, seed, model, 1).matches
        if not matches or matches[0].item.id not in twins[seed.id]:
            lost.append(seed.label)
    text = f"{len(seeds) - len(lost)} of {len(seeds)} find themselves" + (
        f"; not: {', '.join(lost)}" if lost else ""
    )
    return Finding(model, "one recording in two formats", text, not lost)


def texts_found(app: App, model: str) -> Iterator[Finding]:
    """What two texts find: for a person to judge."""
    if not app.installed.card(model).reads_text:
        return
    from reprise.search.find import find
    from reprise.search.query import Query, Seed

    for text in TEXTS:
        found = find(app.search_ports(), Query((Seed(text),), (model,), LISTED)).matches
        names = ", ".join(f"{match.item.label} ({match.score:.2f})" for match in found)
        yield Finding(model, f"text {text!r}", names, passed=None)


def cosine_of(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Of the time means of (D,) or (T, D); 0 for other shapes, zeros and what is not finite."""
    first, second = (
        (vector if vector.ndim == 1 else vector.mean(axis=0)).astype(np.float64) for vector in (one, other)
    )
    length = float(np.linalg.norm(first) * np.linalg.norm(second)) if first.shape == second.shape else 0.0
    return float(first @ second) / length if length and np.isfinite(length) else 0.0


def _items(app: App, library: Library) -> list[Item]:
    from reprise.core.plan import Selection

    selection = Selection(app.owner, library.id)
    return app.catalogue().items.sample(app.owner, selection, sys.maxsize)


def _space(app: App, model: str) -> Space:
    pointer = app.catalogue().spaces.pointer(app.owner, model)
    assert pointer is not None
    return pointer.space


def _published(path: Path | None) -> dict[str, NDArray[np.float32]]:
    if path is None:
        return {}
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _tell(finding: Finding, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(finding)), flush=True)
        return
    verdict = {True: "passed", False: "FAILED", None: ""}[finding.passed]
    print(f"{finding.model:<14} {finding.check:<30} {verdict:<7} {finding.found}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
