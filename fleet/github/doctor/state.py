"""The state's backend and lock, its passphrase, and the secrets in the stack's configuration."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fleet.checkout import strict_yaml
from fleet.checkout.stack_config import config_file
from fleet.declaration.model import Declaration
from fleet.declaration.problems import Problems
from fleet.github.doctor.finding import Finding, fail, note, ok

BACKEND = "PULUMI_BACKEND_URL"
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
_CLOUD = "PULUMI_ACCESS_TOKEN"
_CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "azblob": ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY"),
    "gs": ("GOOGLE_CREDENTIALS",),
    "https": (_CLOUD,),
}


def look(
    root: Path, stack: str, declaration: Declaration, environment: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield what is found of the state; the backend itself is not opened, which would write."""
    values = strict_yaml.load(config_file(root, stack), Problems())
    yield from _backend(declaration, environment)
    yield _passphrase(root, stack, values, environment)
    yield from _configured(stack, declaration, values.get("config") or {})


def _backend(declaration: Declaration, environment: Mapping[str, str]) -> Iterator[Finding]:
    url = environment.get(BACKEND, "")
    scheme = url.partition("://")[0]
    if scheme not in _CREDENTIALS:
        what = f"{BACKEND} is {url}" if url else f"{BACKEND} is not set"
        yield fail(
            f"state: {what}, which the workflows can't reach",
            "Export a bucket that they can: s3://…, gs://…, azblob://…, or https://api.pulumi.com",
        )
        return
    lock = (
        "the service locks it"
        if scheme == "https"
        else "Pulumi locks it by a file in the bucket for the length of each run: whoever may run "
        "it must be allowed to list, read, write and delete there"
    )
    yield ok(f"state: {url}; {lock}")
    lacking = [name for name in _CREDENTIALS[scheme] if name not in declaration.secrets]
    if lacking:
        yield note(
            f"state: the workflows are given no {', '.join(lacking)}",
            "Name them under fleet:secrets, unless the runner has a role of its own",
        )


def _passphrase(
    root: Path, stack: str, values: Mapping[str, Any], environment: Mapping[str, str]
) -> Finding:
    provider = str(values.get("secretsprovider") or "passphrase")
    if provider != "passphrase":
        return ok(f"passphrase: none is needed, secrets are encrypted by {provider}")
    if not environment.get(PASSPHRASE) and not environment.get(f"{PASSPHRASE}_FILE"):
        return fail(
            f"passphrase: {PASSPHRASE} is not set",
            "Export a long random one, and keep it: it encrypts the secrets in the state",
        )
    if values.get("encryptionsalt") and values["encryptionsalt"] == _embedded_salt(root):
        return fail(
            f"passphrase: Pulumi.{stack}.yaml has the salt of Pulumi.dev.yaml, of no passphrase",
            "Delete its line encryptionsalt; Pulumi writes a new one",
        )
    return ok("passphrase: set")


def _embedded_salt(root: Path) -> object:
    path = config_file(root, "dev")
    return strict_yaml.load(path, Problems()).get("encryptionsalt") if path.exists() else None


def _configured(
    stack: str, declaration: Declaration, config: Mapping[str, Any]
) -> Iterator[Finding]:
    for name in declaration.secrets:
        value = config.get(f"secrets:{name}")
        command = f"Run pulumi config set --secret --stack {stack} secrets:{name}"
        if value is None:
            yield fail(f"secret {name}: declared, and has no value", command)
        elif not isinstance(value, Mapping) or "secure" not in value:
            yield fail(f"secret {name}: stands in Pulumi.{stack}.yaml as plain text", command)
        else:
            yield ok(f"secret {name}: encrypted in Pulumi.{stack}.yaml")
