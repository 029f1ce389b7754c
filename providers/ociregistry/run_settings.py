"""The settings of one run: environment variables, read and checked when the plugin starts.

They are never inputs: inputs are in the state, and a refresh works with those of the last run.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fleet.evidence.trusted_root import SETTING as TRUSTED_ROOT
from fleet.registry.errors import OciError
from fleet.sigstore.workflow import ATTESTING_TOKEN
from providers.ociregistry.evidence.signer import KEY, KEY_FILE
from providers.ociregistry.stale_pointers import allow_list
from providers.ociregistry.stale_pointers.allow_list import Allowed, read_allowed

VERIFY = "FLEET_VERIFY_CHILDREN"
LOGINS = "FLEET_LOGINS"
SETTINGS: Mapping[str, tuple[str, str]] = {
    VERIFY: (
        "`all`, or unset",
        "A refresh checks every platform of each version tag; without it, one platform per day.",
    ),
    allow_list.SETTING: (
        "an absolute path, or unset",
        "A preview's report. An update removes only tags that it lists and that did not move.",
    ),
    KEY: (
        "a private key (PKCS #8, PEM), or unset",
        "Signs evidence; its public key is the first one in `fleet:signing`.",
    ),
    KEY_FILE: (
        "a path, or unset",
        "A file with that key instead; `make` sets it for a registry on this machine.",
    ),
    TRUSTED_ROOT: (
        "a path, or unset",
        "The output of `gh attestation trusted-root`: authorities beside Sigstore's own.",
    ),
    ATTESTING_TOKEN: (
        "a token, or unset",
        "The token of the job that signs keyless, which may write attestations.",
    ),
    LOGINS: (
        "the configuration `logins` as JSON, or unset",
        "The logins that are declared now; `make` sets it. Without it, no login is sent.",
    ),
}
"""Each variable with its form and its meaning, for the reference page."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings of one run, checked; those of signing are, where something is signed."""

    verify_all: bool = False
    allowed: Allowed = None
    logins: Mapping[str, object] | None = None


def read_run_settings(environment: Mapping[str, str]) -> RunSettings:
    """Read the settings of this run.

    :raises OciError: naming every variable that is wrong.
    """
    readers: Mapping[str, Callable[[Mapping[str, str]], Any]] = {
        "verify_all": _verify_all,
        "allowed": read_allowed,
        "logins": _logins,
    }
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, read in readers.items():
        try:
            found[name] = read(environment)
        except OciError as error:
            problems.append(str(error))
    if problems:
        raise OciError("\n".join(problems))
    return RunSettings(**found)


def _verify_all(environment: Mapping[str, str]) -> bool:
    verify = environment.get(VERIFY, "")
    if verify not in {"", "all"}:
        raise OciError(f"{VERIFY} is {verify!r}; write all, or leave it unset")
    return verify == "all"


def _logins(environment: Mapping[str, str]) -> Mapping[str, object] | None:
    text = environment.get(LOGINS)
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        found = text
    if found is not None and not isinstance(found, dict):
        # Nothing of it is shown: it may be a secret.
        raise OciError(f"{LOGINS} is not a JSON object; leave it to make, or unset")
    return found
