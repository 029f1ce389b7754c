"""The manifest of an image's page, run as a cluster would as far as one machine can."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.fleet.pages.readmes import like, manifest
from tests.integration import pod
from tests.integration.container import Image, started
from tests.integration.family import TAGS


@pytest.mark.parametrize("image", TAGS)
@pytest.mark.parametrize("user", [None, (1000650000, 0)], ids=["Kubernetes", "OpenShift"])
def test_the_manifest_of_the_page_runs_to_an_answer_and_ends_in_order(
    images: dict[str, Image], tmp_path: Path, image: str, user: tuple[int, int] | None
) -> None:
    spec = manifest(like(image))["spec"]["template"]["spec"]
    if user:
        # As the page says for OpenShift.
        del spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]
    (declared,) = spec["containers"]
    ports = {each["name"]: each["containerPort"] for each in declared["ports"]}
    ready, live = declared["readinessProbe"]["httpGet"], declared["livenessProbe"]["tcpSocket"]
    with started(images[image], tmp_path, pod.options(spec, user)) as container:
        assert container.get(ready["path"], ports[ready["port"]]).status == 200
        with closing(container.connection(ports[live["port"]])) as connection:
            connection.connect()
        container.signal("TERM")
        assert container.wait() == 0, container.output
    assert "ERROR" not in container.output
