"""A stack of three images: one built on another, one in two bases, as small as shows that.

`python-gunicorn` compiles setproctitle and PyYAML for arm/v7, the latter without libyaml, and does
there without gevent, as declared.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from tests.integration.registry_view import Pulled, RegistryView
from tests.integration.workshop import IMAGE, Workshop

STACK = "family"
PARENT = "python-gunicorn"
LONE = "python-uvicorn"
BUILDS = f"{PARENT}/build"
GUNICORN, UVICORN = "27.0.1", "0.34.0"
ODD_TITLE = "Größe, so & so = 1"
LACKING = ["gevent", "greenlet", "zope-event", "zope-interface"]
PARENT_TAG, TAG = f"py3.13-slim-{GUNICORN}", f"py3.13-slim-{UVICORN}"
NATIVE = "linux/amd64"
TAGS = {IMAGE: TAG, PARENT: PARENT_TAG, LONE: TAG}
"""By image, the tag that the native platform has too."""
WITH_GUNICORN = (IMAGE, PARENT)
BOOTED = {
    **dict.fromkeys(WITH_GUNICORN, "Booting worker with pid"),
    LONE: "Started server process",
}
"""By image, what each of its workers prints."""


def declare(workshop: Workshop, **lone: object) -> str:
    """Declare the stack; return its ``host/namespace``."""
    common = {"pythons": ["3.13"], "bases": ["slim"], "requires": [], "extras": []}
    emulated = {"platforms": [NATIVE, "linux/arm64", "linux/arm/v7"]}
    return workshop.declare_stack(
        STACK,
        {
            IMAGE: {
                **common, **emulated, "versions": [UVICORN], "builds-on": PARENT,
                "requires": ["uvicorn-worker"],
            },
            PARENT: {
                **common, **emulated, "package": "gunicorn", "extras": ["gevent", "setproctitle"],
                "versions": [GUNICORN], "lacks": {"linux/arm/v7": LACKING}, "requires": ["pyyaml"],
            },
            LONE: {
                **common, "platforms": [NATIVE], "bases": ["full", "slim"],
                "versions": [UVICORN], "title": ODD_TITLE, **lone,
            },
        },
    )  # fmt: skip


@contextmanager
def brought_up(workshop: Workshop) -> Iterator[dict[str, RegistryView]]:
    """Bring the stack up; yield its repositories by image."""
    registry = declare(workshop)
    workshop.up(stack=STACK)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(closing(workshop.view(name, registry)))
            for name in (*TAGS, BUILDS, f"{LONE}/build")
        }


def by_platform(view: RegistryView, tag: str) -> dict[str, Pulled]:
    return {image.platform: image for image in view.pull(tag)}
