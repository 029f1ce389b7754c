"""What the checkout and the environment hold: the lock, the state's backend, secrets, archives."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fleet.checkout import strict_yaml
from fleet.checkout.lock_file import lock_file
from fleet.checkout.planning import plan_of
from fleet.checkout.stack_config import config_file
from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError, Problems
from fleet.github.doctor.finding import Finding, fail, note, ok
from fleet.local.toolchain import published

_BACKEND = "PULUMI_BACKEND_URL"
_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
_CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "azblob": ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY"),
    "gs": ("GOOGLE_CREDENTIALS",),
    "https": ("PULUMI_ACCESS_TOKEN",),
}


def look_at_lock(root: Path, stack: str, declaration: Declaration) -> Finding:
    """Return whether it is there and covers what is declared, and of all else that a plan takes."""
    name = lock_file(root, stack, declaration).relative_to(root).as_posix()
    try:
        plan = plan_of(root, stack, declaration)
    except DeclarationError as error:
        more = len(error.problems) - 1
        rest = f" (and {more} more: make check STACK={stack})" if more else ""
        return fail(
            f"lock: {error.problems[0].path}: {error.problems[0].what}{rest}",
            f"Run make lock STACK={stack} where PyPI and the bases' registry can be reached, and "
            f"commit {name}; the workflow versions, started by hand, proposes it as well",
        )
    tags = sum(len(image.tags) for image in plan.images)
    return ok(f"lock: {name} covers all {tags} version tags")


def look_at_state(
    root: Path, stack: str, declaration: Declaration, environment: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield what is found of the state; the backend itself is not opened, which would write."""
    values = strict_yaml.load(config_file(root, stack), Problems())
    yield from _backend(declaration, environment)
    yield _passphrase(root, stack, values, environment)
    for name in declaration.secrets:
        yield _secret(stack, name, (values.get("config") or {}).get(f"secrets:{name}"))


def _backend(declaration: Declaration, environment: Mapping[str, str]) -> Iterator[Finding]:
    url = environment.get(_BACKEND, "")
    scheme = url.partition("://")[0]
    if scheme not in _CREDENTIALS:
        what = f"{_BACKEND} is {url}" if url else f"{_BACKEND} is not set"
        yield fail(
            f"state: {what}, which the workflows can't reach",
            "Export a bucket that they can: s3://…, gs://…, azblob://…, or https://api.pulumi.com",
        )
        return
    bucket = (
        "Pulumi locks it by a file in the bucket for the length of each run: whoever may run "
        "it must be allowed to list, read, write and delete there"
    )
    yield ok(f"state: {url}; {'the service locks it' if scheme == 'https' else bucket}")
    missing = [name for name in _CREDENTIALS[scheme] if name not in declaration.secrets]
    if missing:
        yield note(
            f"state: the workflows are given no {', '.join(missing)}",
            "Name them under fleet:secrets, unless the runner has a role of its own",
        )


def _passphrase(
    root: Path, stack: str, values: Mapping[str, Any], environment: Mapping[str, str]
) -> Finding:
    provider = str(values.get("secretsprovider") or "passphrase")
    if provider != "passphrase":
        return ok(f"passphrase: none is needed, secrets are encrypted by {provider}")
    if not environment.get(_PASSPHRASE) and not environment.get(f"{_PASSPHRASE}_FILE"):
        return fail(
            f"passphrase: {_PASSPHRASE} is not set",
            "Export a long random one, and keep it: it encrypts the secrets in the state",
        )
    dev = config_file(root, "dev")
    embedded = strict_yaml.load(dev, Problems()) if dev.exists() else {}
    if values.get("encryptionsalt") and values["encryptionsalt"] == embedded.get("encryptionsalt"):
        return fail(
            f"passphrase: Pulumi.{stack}.yaml has the salt of Pulumi.dev.yaml, of no passphrase",
            "Delete its line encryptionsalt; Pulumi writes a new one",
        )
    return ok("passphrase: set")


def _secret(stack: str, name: str, value: Any) -> Finding:
    command = f"Run pulumi config set --secret --stack {stack} secrets:{name}"
    if value is None:
        return fail(f"secret {name}: declared, and has no value", command)
    if not isinstance(value, Mapping) or "secure" not in value:
        return fail(f"secret {name}: stands in Pulumi.{stack}.yaml as plain text", command)
    return ok(f"secret {name}: encrypted in Pulumi.{stack}.yaml")


def look_at_toolchain(root: Path, github: GitHub) -> Finding:
    """Return whether the archives that a job needs are recorded for its runner."""
    if missing := published.missing(published.recorded(root), github.architecture):
        return note(
            f"toolchain: no SHA-256 is recorded of {', '.join(missing)}, so each job sets up Go "
            "and builds this from Go modules, which takes minutes",
            "Run make checksums where get.pulumi.com can be reached, compare the result with the "
            f"releases on GitHub, and commit {published.RECORDED}",
        )
    return ok("toolchain: the engine and its plugins are downloaded, and checked by SHA-256")
