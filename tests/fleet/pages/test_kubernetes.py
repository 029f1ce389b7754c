"""The manifest on an image's page, by the standard that the page says it passes."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.fleet.pages.pod_security import violations
from tests.fleet.pages.readmes import SHIPPED, like, manifest, tags_in

Pod = dict[str, Any]


def pod_of(image: str) -> Pod:
    found: Pod = manifest(like(image))["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("image", SHIPPED)
def test_the_manifest_passes_the_restricted_standard(image: str) -> None:
    assert violations(pod_of(image)) == []


@pytest.mark.parametrize("image", SHIPPED)
def test_the_manifest_belongs_together(image: str) -> None:
    deployment = manifest(like(image))["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert tags_in(container["image"]), "a tag of the page"
    mounted = [mount["name"] for mount in container["volumeMounts"]]
    assert mounted == [volume["name"] for volume in pod["volumes"]]
    (port,) = container["ports"]
    assert {"name": "PORT", "value": str(port["containerPort"])} in container["env"]
    assert port["containerPort"] >= 1024
    asked = [container["readinessProbe"]["httpGet"], container["livenessProbe"]["tcpSocket"]]
    assert {each["port"] for each in asked} == {port["name"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["enableServiceLinks"] is False


def of_pod(**values: Any) -> Callable[[Pod], None]:
    return lambda pod: pod.update(values)


def of_pods_context(**values: Any) -> Callable[[Pod], None]:
    return lambda pod: pod["securityContext"].update(values)


def of_context(**values: Any) -> Callable[[Pod], None]:
    return lambda pod: pod["containers"][0]["securityContext"].update(values)


def without(key: str) -> Callable[[Pod], None]:
    """Take a key away from wherever it stands."""

    def change(pod: Pod) -> None:
        contexts = (pod["securityContext"], pod["containers"][0]["securityContext"])
        assert [context.pop(key) for context in contexts if key in context]

    return change


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (of_pod(hostNetwork=True), "hostNetwork"),
        (of_pod(hostPID=True), "hostPID"),
        (of_pod(hostIPC=True), "hostIPC"),
        (of_pod(volumes=[{"name": "tmp", "hostPath": {"path": "/"}}]), "volumes: hostPath"),
        (of_pod(initContainers=[{"name": "bare"}]), "allowPrivilegeEscalation"),
        (of_pods_context(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
         "sysctls: kernel.msgmax"),
        (of_pods_context(runAsUser=0), "runAsUser"),
        (of_pods_context(seccompProfile={"type": "Unconfined"}), "seccompProfile"),
        (lambda pod: pod["containers"][0]["ports"][0].update(hostPort=80), "hostPort"),
        (of_context(privileged=True), "privileged"),
        (of_context(procMount="Unmasked"), "procMount"),
        (of_context(runAsNonRoot=False), "runAsNonRoot"),
        (of_context(capabilities={"drop": ["NET_RAW"]}), "capabilities: drop"),
        (of_context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), "capabilities: add"),
        (without("allowPrivilegeEscalation"), "allowPrivilegeEscalation"),
        (without("runAsNonRoot"), "runAsNonRoot"),
        (without("seccompProfile"), "seccompProfile"),
        (without("capabilities"), "capabilities: drop"),
    ],
)  # fmt: skip
def test_each_rule_of_the_standard_is_looked_at(
    change: Callable[[Pod], None], refused: str
) -> None:
    pod = deepcopy(pod_of(SHIPPED[0]))
    change(pod)
    assert refused in violations(pod)
