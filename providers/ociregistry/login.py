"""Which credentials a repository gets: those of its own registry host, or none."""

from collections.abc import Mapping

from providers.ociregistry import docker_login
from providers.ociregistry.credentials import Credentials, pair_of
from providers.ociregistry.docker_hub import canonical
from providers.ociregistry.errors import AuthenticationError
from providers.ociregistry.reference import Repository, is_host

HOST = "FLEET_REGISTRY_HOST"
USERNAME = "FLEET_REGISTRY_USERNAME"
PASSWORD = "FLEET_REGISTRY_PASSWORD"  # noqa: S105 - the name of a variable, not its value


async def find_credentials(
    repository: Repository, environment: Mapping[str, str]
) -> Credentials | None:
    """Return the credentials for a repository, or None for anonymous access.

    The environment's pair is for the host that it names, and wins there over Docker's
    configuration. For every other host it does not exist.

    :raises AuthenticationError: if the pair names no host or is not whole, or if Docker's
        configuration can't be read.
    """
    found = _from_environment(environment)
    if found is not None and canonical(environment[HOST]) == canonical(repository.host):
        return found
    return await docker_login.find(repository, environment)


def _from_environment(environment: Mapping[str, str]) -> Credentials | None:
    username, password = environment.get(USERNAME, ""), environment.get(PASSWORD, "")
    if not username and not password:
        return None
    if not username or not password:
        lacking, given = (PASSWORD, USERNAME) if username else (USERNAME, PASSWORD)
        raise AuthenticationError(f"{given}: is set without {lacking}. Set both, or neither")
    if not is_host(environment.get(HOST, "")):
        raise AuthenticationError(
            f"{HOST}: {environment.get(HOST, '')!r} is not the host of a registry. {USERNAME} and "
            f"{PASSWORD} are sent to that one alone, so it has to be named. Set it as in "
            f"{HOST}=ghcr.io (host[:port])"
        )
    return pair_of(username, password, (USERNAME, PASSWORD))
