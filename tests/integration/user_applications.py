"""Applications as people write them, and their images by the Dockerfiles of our images' pages.

The files of each are in ``real_applications/``; each serves what `exchanges` asks for.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.container import Image
from tests.integration.guide import code_below
from tests.integration.page_builds import built, index_options
from tests.integration.root_filesystem import unpack
from tests.integration.workshop import ROOT, Workshop

STACK = "applications"
GUNICORN, UVICORN, BOTH = "python-gunicorn", "python-uvicorn", "python-gunicorn-uvicorn"
_FILES = Path(__file__).parent / "real_applications"


@dataclass(frozen=True, kw_only=True)
class Application:
    """An application, the image that serves it, and a command of the server's own.

    One of each image has one: that is run with the packages copied to the plain base.
    """

    name: str
    title: str
    image: str
    command: tuple[str, ...] = ()

    @property
    def is_asgi(self) -> bool:
        return self.image != GUNICORN


_GUNICORN = ("gunicorn", "--bind", "127.0.0.1:80")
_UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "80")
_WORKER = ("-k", "uvicorn_worker.UvicornWorker")
APPLICATIONS = (
    Application(name="fastapi", title="FastAPI", image=BOTH, command=(*_GUNICORN, *_WORKER)),
    Application(name="django", title="Django", image=BOTH),
    Application(name="starlette", title="Starlette", image=UVICORN, command=_UVICORN),
    Application(name="flask", title="Flask", image=GUNICORN, command=_GUNICORN),
)


Images = dict[str, Image]
"""An application's images: `page` as the page has it, and perhaps `copied` on the plain base."""


def newest_of_production() -> dict[str, dict[str, Any]]:
    """Return the production images, of each one tag: the newest version on one Python and base."""
    declared = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]["fleet:images"]
    kept = ("source", "package", "extras", "builds-on", "versions")
    small = {"pythons": ["3.13"], "bases": ["slim"], "platforms": ["linux/amd64"]}
    return {
        name: {"title": name, "requires": image.get("requires", []), **small}
        | {key: image[key] for key in kept if key in image}
        | {"versions": image["versions"][-1:]}
        for name, image in declared.items()
    }


def build(workshop: Workshop, application: Application, page: str, folder: Path) -> Images:
    """Build and unpack the images of an application by the page of the image that serves it."""
    context = folder / "context"
    shutil.copytree(_FILES / application.name, context)
    requirements = context / "requirements.txt"
    requirements.write_text("\n".join([*index_options(), requirements.read_text()]))
    own = code_below(page, "Add your application", "dockerfile")
    copied = code_below(page, "Copy the packages", "dockerfile")
    texts = {"page": own}
    if application.command:
        # It has a FROM of its own, and what makes an application follows.
        texts["copied"] = copied + re.sub(r"^FROM .*\n", "", own)
    reference = f"{workshop.registry.partition('/')[0]}/{STACK}/of-users/{application.name}"
    found: Images = {}
    for tag, text in texts.items():
        image = built(workshop, text, context, f"{reference}:{tag}")
        unpack(image.layers, folder / tag)
        found[tag] = Image(config=image.config, root=folder / tag)
    return found
