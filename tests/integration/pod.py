"""A pod of Kubernetes as the options of a container: as far as one machine can tell."""

from collections.abc import Mapping
from typing import Any

from tests.integration.container_spec import CAPABILITIES, Options

_POD = {
    "automountServiceAccountToken", "containers", "enableServiceLinks", "securityContext",
    "terminationGracePeriodSeconds", "volumes",
}  # fmt: skip
_CONTAINER = {
    "env", "image", "livenessProbe", "name", "ports", "readinessProbe", "resources",
    "securityContext", "volumeMounts",
}  # fmt: skip
_CONTEXT = {
    "allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem", "runAsGroup",
    "runAsNonRoot", "runAsUser", "seccompProfile",
}  # fmt: skip
_UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def options(pod: Mapping[str, Any], user: tuple[int, int] | None = None) -> Options:
    """Return the options of a pod's one container; ``user`` is given where the pod names none.

    The folders that it may write to are those of the pod, and ports below 1024 are privileged.

    :raises ValueError: for a key that is not known here, as a misspelt one.
    """
    (container,) = _known(pod, _POD)["containers"]
    own = _known(container, _CONTAINER)
    context = _known({**pod["securityContext"], **own["securityContext"]}, _CONTEXT)
    if user is None:
        user = (context["runAsUser"], context["runAsGroup"])
    if user[0] == 0 or not context["runAsNonRoot"]:
        raise ValueError(f"{user}: root is not let in")
    return Options(
        env={each["name"]: _text(each["value"]) for each in own["env"]},
        user=user,
        capabilities=() if "ALL" in context["capabilities"]["drop"] else CAPABILITIES,
        first_port=1024,
        no_new_privileges=context["allowPrivilegeEscalation"] is False,
        seccomp=context["seccompProfile"]["type"] == "RuntimeDefault",
        read_only=context["readOnlyRootFilesystem"],
        shm=False,
        tmpfs=tuple(_mounted(pod, own)),
        memory=_bytes(own["resources"]["limits"]["memory"]),
    )


def _known(given: Mapping[str, Any], keys: set[str]) -> Mapping[str, Any]:
    if unknown := set(given) - keys:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return given


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r}: Kubernetes takes text for a variable")  # noqa: TRY004
    return value


def _mounted(pod: Mapping[str, Any], container: Mapping[str, Any]) -> list[str]:
    volumes = {each["name"]: each for each in pod["volumes"]}
    mounts = container["volumeMounts"]
    return [each["mountPath"] for each in mounts if "emptyDir" in volumes[each["name"]]]


def _bytes(quantity: str) -> int:
    return int(quantity[:-2]) * _UNITS[quantity[-2:]]
