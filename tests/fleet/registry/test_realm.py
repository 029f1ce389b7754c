"""Which token server a registry may name, and where nothing is sent."""

import pytest

from fleet.registry.challenge import require_realm
from fleet.registry.errors import AuthenticationError


@pytest.mark.parametrize(
    ("origin", "realm"),
    [
        ("https://ghcr.io", "https://ghcr.io/token"),
        ("https://registry-1.docker.io", "https://auth.docker.io/token"),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth"),
        ("https://quay.io", "https://quay.io/v2/auth"),
        ("https://public.ecr.aws", "https://public.ecr.aws/token/"),
        ("https://acme.azurecr.io", "https://acme.azurecr.io/oauth2/token"),
        ("https://gcr.io", "https://gcr.io/v2/token"),
        ("https://europe-docker.pkg.dev", "https://europe-docker.pkg.dev/v2/token"),
        ("https://acme-docker.jfrog.io", "https://acme.jfrog.io/artifactory/api/docker/d/v2/token"),
        ("https://registry.digitalocean.com", "https://api.digitalocean.com/v2/registry/auth"),
        ("https://harbor.acme.co.uk", "https://harbor.acme.co.uk/service/token"),
        ("https://registry.acme.co.uk", "https://gitlab.acme.co.uk/jwt/auth"),
        ("https://registry.example:5000", "https://registry.example:5001/token"),
        ("https://localhost:5443", "https://127.0.0.1:5001/token"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token"),
        ("http://registry.example:5000", "https://auth.registry.example/token"),
        ("https://10.0.0.5:5000", "https://10.0.0.5/token"),
        ("https://[fd00::1]:5000", "https://[fd00::1]/token"),
    ],
)
def test_one_of_the_registry_s_own_domain_is_believed(origin: str, realm: str) -> None:
    assert require_realm(origin, realm) == realm


def test_a_declared_one_may_be_elsewhere_and_is_that_host_over_tls_alone() -> None:
    here, there = "https://rg.fr-par.scw.cloud", "https://api.scaleway.com/token"
    assert require_realm(here, there, "api.scaleway.com") == there
    for other in ("http://api.scaleway.com/token", "https://xapi.scaleway.com/token"):
        with pytest.raises(AuthenticationError, match="Nothing was sent"):
            require_realm(here, other, "api.scaleway.com")


@pytest.mark.parametrize(
    ("origin", "realm", "says"),
    [
        ("https://ghcr.io", "http://ghcr.io/token", "leads from https"),
        ("http://registry.example", "ftp://registry.example/token", "not an address of HTTP"),
        ("https://ghcr.io", "https://ghcr.io.example/token", "another domain"),
        ("https://ghcr.io", "https://xghcr.io/token", "another domain"),
        ("https://registry.docker.io", "https://docker.example/token", "another domain"),
        ("https://acme.co.uk", "https://other.co.uk/token", "another domain"),
        ("https://registry.acme.co.uk", "https://registry.other.co.uk/token", "another domain"),
        ("https://acme.github.io", "https://other.github.io/token", "another domain"),
        ("https://acme.github.io", "https://github.io/token", "another domain"),
        ("https://co.uk", "https://acme.co.uk/token", "another domain"),
        ("https://rg.fr-par.scw.cloud", "https://api.scaleway.com/token", "another domain"),
        ("http://registry.example", "http://elsewhere.example2/token", "another domain"),
        ("https://registry", "https://auth/token", "another domain"),
        ("https://ghcr.io", "https://127.0.0.1/token", "this machine itself"),
        ("https://ghcr.io", "https://localhost:8080/token", "this machine itself"),
        ("https://ghcr.io", "https://[::1]/token", "this machine itself"),
        ("https://ghcr.io", "https://169.254.169.254/latest", "another domain"),
        ("https://10.0.0.5:5000", "https://10.0.0.6/token", "another domain"),
        ("https://1.2.3.4", "https://5.6.3.4/token", "another domain"),
        ("https://127.0.0.1:5000", "https://ghcr.io/token", "another domain"),
        ("https://ghcr.io", "https://ghcr.io@evil.example/token", "a user name"),
        ("https://ghcr.io", "https://evil.example\\@ghcr.io/token", "a user name"),
        ("https://ghcr.io", "https://ghcr.io:x/token", "is not an address"),
        ("https://ghcr.io", "https://[/token", "is not an address"),
        ("https://ghcr.io", "/token", "is not an address"),
        ("https://ghcr.io", "token", "is not an address"),
    ],
)
def test_every_other_is_refused(origin: str, realm: str, says: str) -> None:
    with pytest.raises(AuthenticationError, match=f"{says}.*Nothing was sent"):
        require_realm(origin, realm)
