"""Nodes beyond this machine: what is read, and every problem at its place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.declaration.builder_nodes import Node, parse_nodes
from fleet.declaration.problems import Problems
from fleet.declaration.schema import KEYS, sound

TLS = {"cacert": "/etc/b/ca.pem", "cert": "/etc/b/cert.pem", "key": "/etc/b/key.pem"}
REMOTE = {"driver": "remote", "endpoint": "tcp://arm.example.org:1234", "options": TLS}
PATH = "fleet:builder-nodes"


def read(declared: Any, builders: tuple[str, ...] = ("arm",)) -> tuple[dict[str, Node], list[str]]:
    problems, rules = Problems(), {"properties": {"builder-nodes": KEYS["builder-nodes"]}}
    values = sound({"builder-nodes": declared}, rules, "fleet:", problems)["builder-nodes"]
    found = parse_nodes(values, {f"linux/{name}": name for name in builders}, problems)
    return found, [str(problem) for problem in problems.found]


def faults(**node: Any) -> list[str]:
    return read({"arm": node})[1]


def test_a_remote_node_is_its_address_and_its_certificates() -> None:
    found, problems = read({"arm": REMOTE})
    assert problems == []
    assert found == {
        "arm": Node(driver="remote", endpoint="tcp://arm.example.org:1234", options=TLS)
    }
    assert not found["arm"].foreign


@pytest.mark.parametrize(
    "node",
    [
        {**REMOTE, "options": {**TLS, "servername": "builder.internal"}},
        {"driver": "remote", "endpoint": "tcp://[2001:db8::1]:1234", "options": TLS},
        {"driver": "remote", "endpoint": "tcp://127.0.0.1:1234"},
        {"driver": "remote", "endpoint": "tcp://[::1]:1234"},
        {"driver": "remote", "endpoint": "unix:///run/buildkit/buildkitd.sock"},
        {"driver": "docker-container", "endpoint": "ssh://build@arm.example.org"},
        {"driver": "docker-container", "endpoint": "arm-host", "options": {"memory": "8g"}},
        {"driver": "kubernetes"},
        {
            "driver": "kubernetes",
            "options": {
                "namespace": "builds",
                "replicas": "2",
                "image": "moby/buildkit:v0.31.1@sha256:" + "a" * 64,
                "requests.cpu": "500m",
                "limits.memory": "4Gi",
                "nodeselector": "kubernetes.io/arch=arm64,pool=builds",
                "tolerations": "key=builds,operator=Exists;key=arch,value=arm64,effect=NoSchedule",
                "rootless": "true",
                "loadbalance": "random",
                "timeout": "2m30s",
            },
        },
        {"driver": "cloud"},
    ],
)
def test_what_the_drivers_take_is_kept_as_it_was_written(node: dict[str, Any]) -> None:
    found, problems = read({"arm": node})
    assert problems == []
    assert found["arm"].driver == node["driver"]
    assert found["arm"].endpoint == node.get("endpoint", "")
    assert found["arm"].options == node.get("options", {})


def test_only_dockers_own_buildx_drives_a_cloud_builder() -> None:
    assert read({"arm": {"driver": "cloud"}})[0]["arm"].foreign


@pytest.mark.parametrize(
    ("node", "place", "says"),
    [
        ({"endpoint": "tcp://127.0.0.1:1"}, ".driver", "is missing"),
        ({"driver": "docker"}, ".driver", "not a known driver"),
        ({"driver": "remote"}, ".endpoint", "is missing"),
        (
            {**REMOTE, "endpoint": "arm.example.org:1234"},
            ".endpoint",
            "not an address of a BuildKit",
        ),
        (
            {**REMOTE, "endpoint": "tcp://arm.example.org"},
            ".endpoint",
            "not an address of a BuildKit",
        ),
        ({**REMOTE, "endpoint": "tcp://arm.example.org:70000"}, ".endpoint", "not an address"),
        ({**REMOTE, "endpoint": "tcp://u:p@arm.example.org:1"}, ".endpoint", "not an address"),
        ({**REMOTE, "endpoint": "unix://run/b.sock", "options": {}}, ".endpoint", "not an address"),
        ({**REMOTE, "options": {}}, ".options", "cacert, cert, key is missing"),
        ({**REMOTE, "options": {"cacert": "/c", "cert": "/d"}}, ".options", "key is missing"),
        (
            {"driver": "remote", "endpoint": "tcp://127.0.0.1:1", "options": {"cacert": "/c"}},
            ".options",
            "cert, key is missing",
        ),
        (
            {"driver": "remote", "endpoint": "tcp://127.0.0.1.example.org:1"},
            ".options",
            "builds as root",
        ),
        ({**REMOTE, "endpoint": "unix:///run/b.sock"}, ".options", "needs no TLS"),
        ({**REMOTE, "options": {**TLS, "cacert": "ca.pem"}}, ".options.cacert", "absolute path"),
        ({**REMOTE, "options": {**TLS, "servername": "a b"}}, ".options.servername", "host name"),
        ({**REMOTE, "options": {**TLS, "token": "x"}}, ".options.token", "unknown key"),
        ({**REMOTE, "options": {**TLS, "env.SECRET": "x"}}, ".options.env.SECRET", "unknown key"),
        ({**REMOTE, "options": TLS, "platforms": []}, ".platforms", "unknown key"),
        ({**REMOTE, "options": "cacert=/x"}, ".options", "not a mapping"),
        ({"driver": "docker-container"}, ".endpoint", "is missing"),
        (
            {"driver": "docker-container", "endpoint": "tcp://h:2375"},
            ".endpoint",
            "not an address of a Docker engine",
        ),
        ({"driver": "kubernetes", "endpoint": "prod"}, ".endpoint", "takes no endpoint"),
        ({"driver": "kubernetes", "options": {"replicas": 2}}, ".options.replicas", "the number 2"),
        (
            {"driver": "kubernetes", "options": {"replicas": "0"}},
            ".options.replicas",
            "not a whole",
        ),
        (
            {"driver": "kubernetes", "options": {"nodeselector": "arm64"}},
            ".options.nodeselector",
            "not a list of key=value",
        ),
        (
            {"driver": "kubernetes", "options": {"tolerations": "builds"}},
            ".options.tolerations",
            "not a list of tolerations",
        ),
        (
            {"driver": "kubernetes", "options": {"loadbalance": "even"}},
            ".options.loadbalance",
            "not a known way",
        ),
        (
            {"driver": "kubernetes", "options": {"timeout": "5"}},
            ".options.timeout",
            "not a duration",
        ),
        ({"driver": "cloud", "endpoint": "org/name"}, ".endpoint", "takes no endpoint"),
        ({"driver": "cloud", "options": {"cacert": "/c"}}, ".options", "takes no options"),
    ],
)
def test_one_fault_is_one_problem(node: dict[str, Any], place: str, says: str) -> None:
    found = faults(**node)
    assert len(found) == 1, found
    assert found[0].startswith(f"{PATH}.arm{place}: ")
    assert says in found[0]
    assert found[0].count(". ") >= 1, "a remedy follows"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fleet", "the embedded builder's"),
        ("default", "Docker's own"),
        ("Arm", "not a name for a builder"),
        ("1arm", "not a name for a builder"),
        ("arm_node", "not a name for a builder"),
        ("../../etc/passwd", "not a name for a builder"),
        ("a" * 51, "not a name for a builder"),
    ],
)
def test_a_name_that_cannot_be_a_builders_is_one_problem(name: str, says: str) -> None:
    _, problems = read({name: REMOTE}, (name,))
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"{PATH}.{name}: ")
    assert says in problems[0]


def test_a_node_that_no_platform_is_built_on_is_a_problem() -> None:
    _, problems = read({"arm": REMOTE, "spare": REMOTE})
    assert len(problems) == 1
    assert problems[0].startswith(f"{PATH}.spare: no platform is built on it. Name it under")


@pytest.mark.parametrize("entry", [None, "tcp://h:1", ["remote"]])
def test_a_node_that_is_no_mapping_is_one_problem(entry: object) -> None:
    _, problems = read({"arm": entry})
    assert len(problems) == 1
    assert problems[0].startswith(f"{PATH}.arm: is ")


def test_all_problems_come_at_once() -> None:
    declared = {"arm": {"driver": "vm"}, "spare": {"driver": "remote", "endpoint": "x"}}
    _, problems = read(declared)
    assert [problem.partition(": ")[0] for problem in problems] == [
        f"{PATH}.arm.driver",
        f"{PATH}.spare.endpoint",
    ]


text = st.text(alphabet="ab:/.=1 \n", max_size=5)
json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(("driver", "endpoint", "options")), json_like))
def test_no_node_makes_the_parser_itself_fail(node: dict[str, Any]) -> None:
    found, problems = read({"arm": {**REMOTE, **node}})
    assert problems or found["arm"].driver
