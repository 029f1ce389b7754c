"""The files of the site: pages, the feed, and JSON for programs; the same bytes for the same data.

Whatever is shown was declared by others or read from a registry: templates escape every value, and
the pages' Content-Security-Policy allows no script and no style but the ones that are put in here.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import jinja2
from markupsafe import Markup

from fleet.catalog.model import Catalog, ImageEntry, PythonLife
from fleet.declaration.versions import newest_first
from fleet.http.text import one_line
from fleet.registry.history import Move
from fleet.units import in_units

FEED: Final = "feed.xml"
JSON: Final = "catalog.json"

_FOLDER: Final = "catalog"
_TAKEN: Final = ("index", "catalog")
"""What the fleet's own files are called, without their endings."""
_LONGEST: Final = 4096
_DIGEST_SHOWN: Final = len("sha256:") + 12
_NEWEST: Final = 100
"""How many moves the feed and an image's page have."""
_NEWEST_OF_ALL: Final = 20
_SPACE: Final = uuid.UUID("0c1f6a3e-2d9b-5b57-9a55-0f6b5d3f9a11")
"""The namespace of the feed's identifiers: one may never change (RFC 4287, section 4.2.6)."""


def site(catalog: Catalog, templates: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each file of the site by its name; they link to each other by name alone.

    ``templates`` holds the files of ``templates/`` by their path below it.
    """
    found = _environment(templates)
    common = {"catalog": catalog, **_inlined(templates)}

    def page(name: str, images: Sequence[ImageEntry], limit: int, **own: Any) -> str:
        shown = {"ending": _ending(images), "entries": newest(images)[:limit], **own}
        return found.get_template(f"{_FOLDER}/{name}.jinja").render(common | shown)

    def image_page(image: ImageEntry) -> str:
        lives = {life.python: life for life in image.pythons}
        return page("image.html", [image], _NEWEST, image=image, lives=lives)

    return {
        "index.html": page("index.html", catalog.images, _NEWEST_OF_ALL),
        **{f"{file_of(image.name)}.html": image_page(image) for image in catalog.images},
        **{f"{file_of(image.name)}.json": _json(releases(image)) for image in catalog.images},
        **{key_file(number): key.pem for number, key in enumerate(catalog.keys, start=1)},
        JSON: _json(asdict(catalog)),
        FEED: page("feed.xml", catalog.images, _NEWEST, feed=_identifier(catalog.registry)),
    }


def releases(image: ImageEntry) -> dict[str, Any]:
    """Return the published version tags of ``image`` as Renovate's custom datasource takes them.

    https://docs.renovatebot.com/modules/datasource/custom/ describes the form.
    """
    ended = {life.python for life in image.pythons if life.state == "ended"}
    return {
        "releases": [
            {
                "version": tag.tag,
                "digest": tag.digest,
                **({"releaseTimestamp": tag.since} if tag.since else {}),
                **({"isDeprecated": True} if tag.python in ended else {}),
            }
            for tag in image.tags
            if tag.state == "published"
        ],
        **({"sourceUrl": image.source} if image.source else {}),
    }


def _ending(images: Iterable[ImageEntry]) -> list[PythonLife]:
    """Return the Pythons that are near or past their end, each once, newest first."""
    found = {life.python: life for image in images for life in image.pythons}
    return [found[p] for p in newest_first(found) if found[p].state in {"ending", "ended"}]


def newest(images: Iterable[ImageEntry]) -> list[dict[str, Any]]:
    """Return the moves of ``images``, newest first, each with its image and an identifier."""
    found = [(move, image) for image in images for move in image.moves]
    found.sort(key=lambda pair: (pair[0].at, pair[1].name, pair[0].tag), reverse=True)
    return [
        {"move": move, "image": image, "id": _identifier(image.repository, *_told(move))}
        for move, image in found
    ]


def file_of(image: str) -> str:
    """Return the name of an image's files, without the ending.

    No image begins with an underscore, so that none takes the place of the fleet's own files.
    """
    return f"_{image}" if image in _TAKEN else image


def key_file(number: int) -> str:
    """Return the name of the file of a public key, counted from 1."""
    return f"key-{number}.pem"


def _told(move: Move) -> tuple[str, ...]:
    return move.at, move.tag, move.before, move.after


def _identifier(*parts: str) -> str:
    return uuid.uuid5(_SPACE, json.dumps(parts)).urn


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def _inlined(templates: Mapping[str, str]) -> dict[str, Any]:
    """Return the style and the script as they stand in the pages, and the policy that admits both.

    A browser hashes what is between the tags, to the byte (CSP Level 3, section 8.3).
    """
    style, script = (templates[f"{_FOLDER}/{name}"] for name in ("style.css", "filter.js"))
    policy = (
        "default-src 'none'; img-src data:; "
        f"style-src {_hashed(style)}; script-src {_hashed(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    # Files of this repository, not of others.
    return {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704


def _hashed(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _environment(templates: Mapping[str, str]) -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.DictLoader(dict(templates)),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"units": in_units, "short": _short, "day": _day, "web": _web, "file": file_of}
    return found


def _shown(value: Any) -> Any:
    """Return text without control characters, which neither HTML nor XML may have."""
    kept = isinstance(value, Markup) or not isinstance(value, str) or value.isprintable()
    return value if kept else one_line(value, _LONGEST)


def _short(digest: str) -> str:
    return digest[:_DIGEST_SHOWN]


def _day(instant: str) -> str:
    return instant[: len("2026-11-03")]


def _web(address: str) -> str:
    """Return an address that a browser may be sent to, or nothing: not every text is one."""
    return address if address.startswith("https://") else ""
