"""What was removed from the command line, and what takes its place."""

from collections.abc import Mapping
from typing import Final

from fleet.console import TroubleError

COMMANDS: Final[Mapping[str, str]] = {"announced": "removals"}
"""The new name of each command that has another; the Makefile has these as targets, too."""

# FLEET_REGISTRY_HOST is refused where logins are read, for plain pulumi reads them as well.
VARIABLES: Final[Mapping[str, str]] = {
    "FLEET_APP_PRIVATE_KEY_FILE": "put the key itself into FLEET_APP_PRIVATE_KEY",
    "FLEET_CA": "name the certificates in SSL_CERT_FILE",
    "FLEET_EVENTS": "name the file of the report in FLEET_REPORT",
}
"""What to do instead of setting each environment variable that is not read any more."""


def refuse_removed(environment: Mapping[str, str]) -> None:
    """Refuse a removed variable that is set: what it asks for would not be done.

    :raises TroubleError: naming each, and what takes its place.
    """
    found = [
        f"{name}: is set, and not read any more.\nUnset it, and {instead}"
        for name, instead in VARIABLES.items()
        if environment.get(name)
    ]
    if found:
        raise TroubleError("\n".join(found))
