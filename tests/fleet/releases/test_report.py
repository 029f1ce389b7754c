"""What discovery found, in Markdown in which nothing of others is markup."""

import json
from dataclasses import asdict
from pathlib import Path

from fleet.lock.model import Lock, Tools
from fleet.pages.markdown import inert
from fleet.releases.discovery.change import Change
from fleet.releases.discovery.discover import Discovery
from fleet.releases.report import told
from fleet.sbom.base_moves import BaseMoves, UnreadBases, parse_moves
from fleet.sbom.moves import Compared, base_move
from tests.fleet.examples import DIGEST, INSTALLER, OTHER_DIGEST, base, wheel
from tests.fleet.sbom.moved import base as base_of
from tests.fleet.sbom.moved import moves_of

ROOT = Path("/checkout")
NOTHING = Lock()
PINS = {("web", "3.11", "1.0"): ("a==1", "b==1"), ("web", "3.12", "1.0"): ("a==1", "b==1")}


def discovery(
    *changes: Change, old: Lock = NOTHING, new: Lock = NOTHING, files: tuple[str, ...] = ()
) -> Discovery:
    after = {ROOT / name: b"" for name in files}
    return Discovery(changes=changes, advisories=(), held=old, lock=new, after=after, before={})


def change(what: str, how: str = "comes") -> Change:
    return Change(place="web", what=what, how=how, why="it was released")


def moved(old: Lock, new: Lock) -> str:
    """Return what is told of two locks, without the headline."""
    return told(discovery(old=old, new=new), ROOT).removeprefix("Nothing changed.\n").lstrip()


def table(title: str, headings: str, *rows: str) -> str:
    columns = headings.count("|") + 3
    lines = (f"| {one} |\n" for one in (f"{headings} | before | after", *rows))
    first, *rest = lines
    return f"### {title}\n\n{first}|{' --- |' * columns}\n{''.join(rest)}"


def test_nothing_is_said_to_be_nothing() -> None:
    lock = Lock(
        pins=PINS, bases={"3.11-slim": base()}, yanked={"a": ("1",)}, installer=INSTALLER,
        files={"a==1": (wheel("a==1"),)},
    )  # fmt: skip
    assert told(discovery(old=lock, new=lock), ROOT) == "Nothing changed.\n"


def test_a_warning_is_told_where_nothing_changed() -> None:
    assert told(discovery(change("Python 3.9", "stays")), ROOT) == (
        "Nothing changed.\n\n### `web`\n\n- `Python 3.9` stays: it was released\n"
    )


def test_tags_are_said_to_stay_where_something_leaves() -> None:
    files = ("Pulumi.prod.yaml", "locks/prod.yaml")
    assert told(discovery(change("1.0"), files=files), ROOT).startswith(
        "Changed: `Pulumi.prod.yaml`, `locks/prod.yaml`.\n\n"
    )
    assert "stay in the registry" in told(discovery(change("1.0", "leaves"), files=files), ROOT)


def test_distributions_are_told_once_for_all_pythons() -> None:
    new = {("web", "3.11", "1.0"): ("a==2", "c==1"), ("web", "3.12", "1.0"): ("a==2", "b==1")}
    assert moved(Lock(pins=PINS), Lock(pins=new)) == table(
        "Distributions",
        "image | distribution",
        "`web, Python 3.11, 3.12` | `a` | `1` | `2`",
        "`web, Python 3.11` | `b` | `1` | ",
        "`web, Python 3.11` | `c` |  | `1`",
    )


def test_what_is_new_was_resolved() -> None:
    new = {**PINS, ("web", "3.11", "2.0"): ("a==9",), ("web", "3.12", "2.0"): ("a==9",)}
    assert moved(Lock(pins=PINS), Lock(pins=new)) == (
        "### Locked\n\n- `web` `2.0`: resolved for Python 3.11, 3.12\n"
    )


def test_bases_move_by_platform() -> None:
    old, one, name = base(), base(OTHER_DIGEST), "docker.io/library/python:3.11-slim"
    before = Lock(bases={"3.11-slim": old}, builders={"3.11": old})
    after = Lock(
        bases={"3.11-slim": one}, builders={"3.11": one, "3.12": base(name="docker.io/p:3.12")}
    )
    assert moved(before, after) == table(
        "Base images",
        "base | platform",
        f"`{name}` | `linux/amd64` | `{DIGEST}` | `{OTHER_DIGEST}`",
        f"`{name}` | `linux/arm/v7` | `{DIGEST}` | `{OTHER_DIGEST}`",
        f"`docker.io/p:3.12` | `linux/amd64` |  | `{DIGEST}`",
        f"`docker.io/p:3.12` | `linux/arm/v7` |  | `{DIGEST}`",
    )


def test_what_was_yanked_since_is_told_of_packages_that_were_known() -> None:
    old, new = Lock(yanked={"a": ("1",)}), Lock(yanked={"a": ("1", "2", "3"), "b": ("3",)})
    assert moved(old, new) == "### Yanked since\n\n- `a`: `2`, `3`\n"


def test_tools_are_told_where_they_changed() -> None:
    none = Tools(pins=(), compiled={})
    old = Lock(tools={("web", "3.11"): none, ("web", "3.12"): none})
    new = Lock(tools={("web", "3.11"): none, ("web", "3.12"): Tools(pins=("c==1",), compiled={})})
    assert moved(old, new) == "### Locked\n\n- `web`: looked for what compiles on Python 3.12\n"


def test_other_files_of_a_version_that_stays_are_told() -> None:
    pure, special = wheel("a==1"), wheel("a==1", "cp311-cp311-manylinux2014_x86_64.whl")
    was, becomes = (f"{pure.partition('#')[0]}#sha256={letter * 64}" for letter in "ab")
    mirrored = pure.replace("files.example", "mirror.example")
    old = Lock(files={"a==1": (was,), "b==1": (pure,), "c==1": (pure,), "gone==1": (pure,)})
    new = Lock(files={"a==1": (becomes,), "b==1": (pure, special), "c==1": (mirrored,)})
    name, (address, _, digest) = "a-1-py3-none-any.whl", special.partition("#")
    assert moved(old, new) == table(
        "Other files of versions that stay",
        "version | file",
        f"`a==1` | `{name}` | `sha256={'a' * 64}` | `sha256={'b' * 64}`",
        f"`b==1` | `{address.rpartition('/')[2]}` |  | `{digest}`",
        f"`c==1` | `{name}` | `{pure}` | `{mirrored}`",
    )


def test_another_installer_is_told() -> None:
    old, new = (Lock(installer=f"installer=={version}") for version in ("0.6.0", "0.7.0"))
    assert moved(old, new) == (
        "### Locked\n\n- `installer==0.7.0` installs the wheels, `installer==0.6.0` did: every "
        "image is built again\n"
    )
    assert moved(NOTHING, new) == ""


def test_text_of_others_is_shown_as_it_is() -> None:
    text = told(discovery(change("`1.0` [x](http://y) | @z\n# title")), ROOT)
    assert r"- `` `1.0` [x](http://y) \| @z # title `` comes" in text


def test_a_long_table_says_what_it_leaves_out() -> None:
    old, new = (
        Lock(pins={("web", "3.11", "1.0"): tuple(f"d{n}=={version}" for n in range(42))})
        for version in "12"
    )
    text = moved(old, new)
    assert text.count("| `web, Python 3.11` |") == 40
    assert text.endswith("\n2 more are in the lock.\n")


def test_what_people_ought_to_know_is_told_as_text() -> None:
    text = told(discovery(), ROOT, ["h11 9 has no wheel and is passed over; <b>8</b> is taken"])
    assert text.endswith(
        "\n### Noted\n\n- `h11 9 has no wheel and is passed over; <b>8</b> is taken`\n"
    )


def test_what_moved_inside_bases_is_told_with_a_row_each_and_every_package_folded() -> None:
    bases = (base_of("python:3.13-slim"), base_of("python:3.9", ("linux/amd64", "linux/arm64")))
    text = told(discovery(), ROOT, moves=moves_of(*bases, moves=10))
    rows = [line for line in text.splitlines() if line.startswith("| `python")]
    assert rows[0].startswith(
        "| `python:3.13-slim` | `web`, `api` | 10 packages moved: `openssl 3.0.15 -> 3.0.16`, "
    )
    assert rows[0].endswith(", `2 more` | `41.2 MB -> 41.3 MB on linux/amd64` |")
    assert rows[1].startswith("| `python:3.9 (linux/amd64)` |")
    assert "- `for this, 82.5 MB of layers were read (the limit is 1.0 GB and 5 min)`\n" in text
    _, _, folded = text.partition("<details>")
    names = "`python:3.13-slim, python:3.9 (linux/amd64)`"
    assert f"| `openssl9` | `3.0.15` | `3.0.16` | {names} |\n" in folded
    assert folded.endswith("\n</details>\n")
    assert inert(text) == text, "the job with the App's key passes it on as it is"
    calm = told(discovery(), ROOT, moves=moves_of(*bases, moves=10), whole=False)
    assert "<details>" not in calm
    assert rows[1] in calm


def test_a_package_that_moved_on_some_platforms_alone_has_them_in_the_table_and_in_json() -> None:
    both = base_of("python:3.13", ("linux/amd64", "linux/arm64"))
    found = [
        Compared(
            platform=platform, moves=moves_of(both, name=name).bases[0].packages, before=1, after=2
        )
        for platform, name in zip(both.platforms, ("openssl", "bash"), strict=True)
    ]
    moves = BaseMoves(bases=(base_move(both, found),))
    text = told(discovery(), ROOT, moves=moves)
    assert "| `bash` | `3.0.15` | `3.0.16` | `python:3.13 (linux/arm64)` |\n" in text
    assert "`openssl 3.0.15 -> 3.0.16 (linux/amd64)`" in text
    assert parse_moves(json.loads(json.dumps(asdict(moves)))) == moves


def test_packages_of_a_hostile_base_are_text_and_their_table_is_bounded() -> None:
    name = "`</details>[x](http://y)|@all"
    moves = moves_of(base_of("python:3.13"), moves=1000, name=name)
    text = told(discovery(), ROOT, moves=moves)
    assert text.count("</details>") - text.count("`</details>") == 1
    assert "\n600 more packages moved.\n" in text
    assert len(text.encode()) < 1 << 20
    assert inert(text) == text


def test_an_image_that_is_not_read_is_noted_alone() -> None:
    unread = UnreadBases(bases=("python:3.13 (linux/amd64)",), why="it is gone")
    text = told(discovery(), ROOT, moves=BaseMoves(unread=(unread,)))
    assert text.endswith(
        "### Packages in base images\n\n"
        "- What moved in `python:3.13 (linux/amd64)` is not known: `it is gone`\n"
    )
