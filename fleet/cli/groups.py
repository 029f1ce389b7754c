"""The commands by use, in the order of the help."""

from collections.abc import Mapping
from typing import Final

_ADVISORIES = "fleet.advisories.commands"
_CHECKOUT = "fleet.checkout.commands"
_GITHUB = "fleet.github.commands"
_HISTORY = "fleet.upkeep.history_commands"
_LOCAL = "fleet.local.commands"
_OVERVIEW = "fleet.overview.commands"
_RELEASES = "fleet.releases.commands"
_UPKEEP = "fleet.upkeep.commands"

GROUPS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "every day": {
        "up": (_LOCAL, "Make the registry equal to the declaration"),
        "preview": (_LOCAL, "Show what the next up would change"),
        "refresh": (_LOCAL, "Read the registry into the state, and report what differs (drift)"),
        "status": (_LOCAL, "Print the tags and pointers of the last up, and the disk space in use"),
        "plan": (
            _OVERVIEW,
            "Print the declared tags and pointers as tables, without state or registry",
        ),
        "env": (_LOCAL, "Print shell exports for plain pulumi and for registry clients"),
        "down": (_LOCAL, "Stop the registry and builder of this checkout; keep all data"),
        "clean": (_LOCAL, "Stop the registry and builder of this checkout, and remove .fleet"),
    },
    "declaration, lock and releases": {
        "validate": (_CHECKOUT, "Print every problem of the declaration and of the asset folders"),
        "lock": (_LOCAL, "Resolve what the declaration needs and the lock does not have"),
        "versions": (
            _RELEASES,
            "Ask for new releases, edit declaration and lock, print what changed and why",
        ),
        "audit": (
            _ADVISORIES,
            "Print the advisories in the lock, by image, those with a fix first",
        ),
        "checksums": (
            _LOCAL,
            "Record the SHA-256 of the archives of Pulumi, its plugins, BuildKit and the registry",
        ),
    },
    "upkeep": {
        "history": (_HISTORY, "Print which digest each tag had, since when and why"),
        "rollback": (
            _HISTORY,
            "List what a tag named before, or pin the tag to an earlier version or digest",
        ),
        "restore": (_UPKEEP, "Put a removed tag back on its last digest"),
        "verify": (_UPKEEP, "Verify the evidence of the declared version tags, by digest"),
        "sbom": (
            _UPKEEP,
            "Print what a tag consists of, as CycloneDX, one line of JSON per platform",
        ),
        "prune": (_UPKEEP, "List superseded digests, or delete those superseded for long enough"),
        "adopt": (_UPKEEP, "Write the file that imports a registry's declared tags into the state"),
        "split": (
            _UPKEEP,
            "Write one stack file per image, for a fleet that has outgrown one stack",
        ),
        "doctor": (_GITHUB, "Check what you must set up once for the workflows; write nothing"),
    },
    "pages and charts": {
        "graph": (_OVERVIEW, "Print which image is built on which, as a Mermaid chart in Markdown"),
        "docs": (_OVERVIEW, "Write the page of each image, as Markdown"),
        "catalog": (_OVERVIEW, "Write a static site of what the fleet publishes"),
    },
    "called by workflows and other commands": {
        "check": (
            _GITHUB,
            "Check declaration, plan, generated files and pins, without state or registry",
        ),
        "page": (_GITHUB, "Print the report in FLEET_REPORT as Markdown"),
        "comment": (
            _GITHUB,
            "Write the report in FLEET_REPORT into the one comment on a pull request",
        ),
        "removals": (
            _GITHUB,
            "Print how many tags a preview would remove; copy FLEET_REPORT to FLEET_REMOVALS",
        ),
        "drift": (
            _GITHUB,
            "Open, update or close the one issue about drift, by the preview in FLEET_REPORT",
        ),
        "repair": (_GITHUB, "Start the workflow up if the preview in FLEET_REPORT found drift"),
        "collect": (
            _GITHUB,
            "Copy the declaration, the lock and FLEET_VERSIONS into FLEET_PROPOSAL",
        ),
        "proposal": (
            _GITHUB,
            "Open, update or close the one pull request with the files in FLEET_PROPOSAL",
        ),
        "report": (_GITHUB, "Sum up a run of plain pulumi, and write the report to FLEET_REPORT"),
        "resolve": (_RELEASES, "Do what lock does, on a machine that lock has prepared"),
    },
}
"""By title and name: the module that adds a command, and what the command does.

The text stands alone and has no full stop. `make help` has the same groups, order and texts.
"""

_ALL: Final = {name: entry for group in GROUPS.values() for name, entry in group.items()}

TEXTS: Final[Mapping[str, str]] = {name: text for name, (_, text) in _ALL.items()}
"""What each command does."""

ROOMS: Final[Mapping[str, tuple[str, ...]]] = {
    room: tuple(name for name, (of, _) in _ALL.items() if of == room)
    for room in sorted({room for room, _ in _ALL.values()})
}
"""The commands of each room: a room is imported only where one of them is asked for."""
