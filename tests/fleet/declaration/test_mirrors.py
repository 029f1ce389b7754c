"""The declared mirrors: registries and namespaces beside the fleet's own."""

import pytest

from fleet.declaration.mirrors import Mirror
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from tests.fleet.examples import config

LOGIN = {"username": "THERE_USER", "password": "THERE_WORD"}


def test_without_any_there_are_none() -> None:
    assert parse(config()).mirrors == ()


def test_a_mirror_is_a_host_and_a_namespace_and_docker_hub_keeps_what_is_stale() -> None:
    places = ["docker.io/org", "quay.io/org/prefix", "localhost:5001/multi-py", "ghcr.io/other"]
    found = parse(config(registry="ghcr.io/multi-py", mirrors=places)).mirrors
    assert found == tuple(Mirror(place=place) for place in places)
    assert [mirror.host for mirror in found if not mirror.removable] == ["docker.io"]


@pytest.mark.parametrize(
    ("mirrors", "why"),
    [
        (["quay.io"], "Write host[:port]/namespace in lower case: quay.io/multi-py"),
        (["quay.io/a", "quay.io/b", "quay.io/a"], "fleet:mirrors"),
        (["localhost:5443/multi-py"], "is localhost:5443/multi-py, which fleet:registry names"),
        (["127.0.0.1:5443/multi-py"], "which fleet:registry names already"),
        (["localhost:5444/a", "127.0.0.1:5444/a"], "which fleet:mirrors[0] names already"),
        (["docker.io/org/prefix"], "whose repositories have two levels (org/image)"),
        (["index.docker.io/org"], "is Docker Hub by another name. Write docker.io/org"),
        (["public.ecr.aws/x"], "is on Amazon ECR Public, which makes no repository"),
        (["europe-docker.pkg.dev/project"], "names a project of Artifact Registry"),
        (["localhost/team"], "needs a port. Write localhost:5443/team"),
    ],
)
def test_what_is_none_or_there_twice_is_refused(mirrors: list[str], why: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse(config(mirrors=mirrors))
    assert why in str(caught.value)


def test_the_host_of_a_mirror_may_have_a_login_which_writes() -> None:
    given = config(registry="ghcr.io/multi-py", mirrors=["quay.io/org"])
    assert parse({**given, "logins": {"quay.io": LOGIN}}).logins["quay.io"].username == "THERE_USER"
    with pytest.raises(DeclarationError, match="is for a registry of bases, and this one is writ"):
        parse({**given, "logins": {"quay.io": {**LOGIN, "read": True}}})
    with pytest.raises(DeclarationError, match="is not a registry that this stack reads or writes"):
        parse({**config(registry="ghcr.io/multi-py"), "logins": {"quay.io": LOGIN}})
