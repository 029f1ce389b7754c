"""Instance files, in the shape that buildx reads."""

import json
from pathlib import Path
from typing import Any

from fleet.declaration.builder_nodes import Node
from fleet.local import buildx_instances

TLS = {"cacert": "/etc/b/ca.pem", "cert": "/etc/b/cert.pem", "key": "/etc/b/key.pem"}


def written(folder: Path, builder: str, node: Node) -> dict[str, Any]:
    buildx_instances.write(folder, builder, node)
    found: dict[str, Any] = json.loads((folder / "instances" / builder.lower()).read_text())
    return found


def test_a_remote_node_with_certificates(tmp_path: Path) -> None:
    node = Node(driver="remote", endpoint="tcp://arm.example.org:1234", options=TLS)
    assert written(tmp_path, "arm", node) == {
        "Name": "arm",
        "Driver": "remote",
        "Nodes": [
            {
                "Name": "arm0",
                "Endpoint": "tcp://arm.example.org:1234",
                "Platforms": None,
                "DriverOpts": TLS,
                "Flags": None,
                "Files": None,
            }
        ],
        "Dynamic": False,
    }


def test_a_kubernetes_node_names_no_kubeconfig_so_that_the_environment_does(tmp_path: Path) -> None:
    options = {"namespace": "builds", "nodeselector": "kubernetes.io/arch=arm64"}
    found = written(tmp_path, "kube", Node(driver="kubernetes", endpoint="", options=options))
    (node,) = found["Nodes"]
    assert found["Driver"] == "kubernetes"
    assert node["Endpoint"] == "kubernetes:///kube?deployment=kube0&kubeconfig="
    assert node["DriverOpts"] == options


def test_a_docker_engine_elsewhere(tmp_path: Path) -> None:
    node = Node(driver="docker-container", endpoint="ssh://build@arm", options={"memory": "8g"})
    found = written(tmp_path, "engine", node)
    assert found["Driver"] == "docker-container"
    assert found["Nodes"][0]["Endpoint"] == "ssh://build@arm"
    assert found["Nodes"][0]["DriverOpts"] == {"memory": "8g"}


def test_a_changed_node_is_described_anew_and_an_unchanged_one_left_alone(tmp_path: Path) -> None:
    first = Node(driver="remote", endpoint="unix:///one.sock", options={})
    other = Node(driver="remote", endpoint="unix:///two.sock", options={})
    buildx_instances.write(tmp_path, "arm", first)
    path = tmp_path / "instances" / "arm"
    stamp = path.stat().st_mtime_ns
    buildx_instances.write(tmp_path, "arm", first)
    assert path.stat().st_mtime_ns == stamp
    assert written(tmp_path, "arm", other)["Nodes"][0]["Endpoint"] == "unix:///two.sock"
