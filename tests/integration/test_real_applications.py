"""Real applications in images that are built by the pages of ours: they serve what they should."""

import hashlib
import random
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.container import Container, Image, started
from tests.integration.container_spec import Options
from tests.integration.exchanges import echoed, seen, streamed, uploaded
from tests.integration.family import WITH_GUNICORN
from tests.integration.guide import code_below
from tests.integration.load import REQUESTS, under_load
from tests.integration.user_applications import (
    APPLICATIONS,
    STACK,
    Application,
    Images,
    build,
    newest_of_production,
)
from tests.integration.workshop import Workshop

PROXY, CLIENT = "127.0.0.2", "203.0.113.7"
FORWARDED = {"X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}


each = pytest.mark.parametrize("application", APPLICATIONS, ids=lambda it: it.name)
each_asgi = pytest.mark.parametrize(
    "application", [it for it in APPLICATIONS if it.is_asgi], ids=lambda it: it.name
)


@pytest.fixture(scope="module")
def versions(workshop: Workshop) -> dict[str, str]:
    """The newest version of each production image, which a stack of this test's own builds."""
    images = newest_of_production()
    workshop.declare_stack(STACK, images)
    workshop.up(stack=STACK)
    return {name: image["versions"][0] for name, image in images.items()}


@pytest.fixture(scope="module")
def pages(workshop: Workshop, versions: dict[str, str]) -> dict[str, str]:
    """The page of each image, with what stands in the registry."""
    return {
        name: workshop.make("-s", "docs", f"STACK={STACK}", f"IMAGE={name}").printed
        for name in versions
    }


@pytest.fixture(scope="module")
def applications(
    workshop: Workshop, pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Images]]:
    folder = tmp_path_factory.mktemp("applications")
    with ThreadPoolExecutor(max_workers=len(APPLICATIONS)) as pool:
        made = pool.map(
            lambda it: build(workshop, it, pages[it.image], folder / it.name), APPLICATIONS
        )
        yield {it.name: found for it, found in zip(APPLICATIONS, made, strict=True)}
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def containers(
    applications: dict[str, Images], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Container]]:
    """The application of each image in a container, as `docker run` starts it."""
    with ExitStack() as stack:
        yield {
            it.name: ready(stack, applications[it.name]["page"], tmp_path_factory.mktemp(it.name))
            for it in APPLICATIONS
        }


def ready(stack: ExitStack, image: Image, folder: Path, **options: Any) -> Container:
    container = stack.enter_context(started(image, folder, Options(**options)))
    container.get()
    return container


@each
def test_it_answers_by_the_server_of_its_image(
    application: Application, containers: dict[str, Container], versions: dict[str, str]
) -> None:
    found = seen(containers[application.name])
    assert found["framework"] == application.title
    assert found["server"] == versions[application.image], "pip put no other in its place"


@each_asgi
def test_it_echoes_on_a_websocket(
    application: Application, containers: dict[str, Container]
) -> None:
    assert echoed(containers[application.name], "once more") == "once more"


@each
def test_it_streams_a_body_chunk_by_chunk(
    application: Application, containers: dict[str, Container]
) -> None:
    assert list(streamed(containers[application.name])) == ["1\n", "2\n", "3\n"]


@each
def test_it_takes_an_upload_of_20_mb(
    application: Application, containers: dict[str, Container]
) -> None:
    content = random.Random(application.name).randbytes(20_000_000)  # noqa: S311 - no secret
    assert uploaded(containers[application.name], content) == {
        "length": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_restarts_of_gunicorn_under_load_fail_no_request(
    applications: dict[str, Images], tmp_path: Path
) -> None:
    """Uvicorn alone has no restart in place: another container takes over from it."""
    marks = [REQUESTS // 4, REQUESTS // 2, 3 * REQUESTS // 4]
    names = [it.name for it in APPLICATIONS if it.image in WITH_GUNICORN]
    with ExitStack() as stack:
        loaded = {
            name: ready(stack, applications[name]["page"], tmp_path / name, env={"WORKERS": "2"})
            for name in names
        }
        outcomes = under_load(loaded, marks)
    assert {name: found.failed for name, found in outcomes.items()} == {name: [] for name in names}
    for name, found in outcomes.items():
        assert len(found.processes) == REQUESTS
        before, after = found.processes[: marks[0]], found.processes[-marks[0] // 2 :]
        assert not set(before) & set(after), f"{name} was not restarted"
        print(f"{name}: {found.dropped} kept connections were closed")  # noqa: T201 - for -s


@each
def test_a_proxy_is_believed_where_the_page_says(
    application: Application, pages: dict[str, str], applications: dict[str, Images], tmp_path: Path
) -> None:
    shown = code_below(pages[application.image], "Behind a proxy", "console")
    (setting,) = re.findall(r" -e (\w+)=", shown)
    for env, believed in (({}, "127.0.0.1"), ({setting: PROXY}, PROXY)):
        with ExitStack() as stack:
            folder = tmp_path / believed
            container = ready(stack, applications[application.name]["page"], folder, env=env)
            for peer in ("127.0.0.1", PROXY):
                found = seen(container, FORWARDED, peer)
                is_believed = peer == believed
                assert found["scheme"] == ("https" if is_believed else "http"), (env, peer)
                # What gunicorn tells a WSGI application of the client is who connected.
                client = CLIENT if is_believed and application.is_asgi else peer
                assert found["client"] == client, (env, peer)


@pytest.mark.parametrize(
    "application", [it for it in APPLICATIONS if it.command], ids=lambda it: it.name
)
def test_on_the_plain_base_with_the_packages_copied_the_servers_command_serves_it(
    application: Application,
    applications: dict[str, Images],
    versions: dict[str, str],
    tmp_path: Path,
) -> None:
    image = applications[application.name]["copied"]
    config = {**image.config["config"], "WorkingDir": "/app"}
    with ExitStack() as stack:
        plain = replace(image, config={"config": config})
        args = (*application.command, "app.main:app")
        container = ready(stack, plain, tmp_path, args=args)
        found = seen(container)
        assert found["framework"] == application.title
        assert found["server"] == versions[application.image]
        if application.is_asgi:
            assert echoed(container, "copied") == "copied"
