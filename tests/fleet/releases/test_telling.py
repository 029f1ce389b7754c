"""What discovery found, in Markdown in which nothing of others is markup."""

from pathlib import Path

from fleet.releases.discovery.change import Change
from fleet.releases.discovery.discover import Discovery
from fleet.releases.lock.changes import Move, Moves
from fleet.releases.report import told

ROOT = Path("/checkout")
NOTHING = Moves(
    resolved={}, tools={}, distributions=(), bases=(), files=(), installer=None, yanked={}
)


def discovery(*changes: Change, moves: Moves = NOTHING, files: tuple[str, ...] = ()) -> Discovery:
    after = {ROOT / name: b"" for name in files}
    return Discovery(changes=changes, moves=moves, after=after, before={})


def change(what: str, how: str = "comes") -> Change:
    return Change(place="web", what=what, how=how, why="it was released")


def test_nothing_is_said_to_be_nothing() -> None:
    assert told(discovery(), ROOT) == "Nothing changed.\n"


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


def test_each_kind_of_move_has_its_place() -> None:
    moves = Moves(
        resolved={("web", "1.0"): ("3.12", "3.13")},
        tools={"web": ("3.12",)},
        distributions=(Move("web, Python 3.12", "h11", "1", "2"),),
        bases=(Move("python:3.12", "linux/amd64", "", "sha256:a"),),
        files=(Move("gunicorn==23.0.0", "gunicorn-23.0.0-py3-none-any.whl", "sha256=a", ""),),
        installer=("installer==0.6.0", "installer==0.7.0"),
        yanked={"uvicorn": ("0.1", "0.2")},
    )
    assert told(discovery(moves=moves, files=("locks/prod.yaml",)), ROOT) == (
        "Changed: `locks/prod.yaml`.\n\n"
        "### Locked\n\n- `web` `1.0`: resolved for Python 3.12, 3.13\n"
        "- `web`: looked for what compiles on Python 3.12\n"
        "- `installer==0.7.0` installs the wheels, `installer==0.6.0` did: every image is built "
        "again\n\n"
        "### Distributions\n\n"
        "| image | distribution | before | after |\n| --- | --- | --- | --- |\n"
        "| `web, Python 3.12` | `h11` | `1` | `2` |\n\n"
        "### Base images\n\n| base | platform | before | after |\n| --- | --- | --- | --- |\n"
        "| `python:3.12` | `linux/amd64` |  | `sha256:a` |\n\n"
        "### Other files of versions that stay\n\n"
        "| version | file | before | after |\n| --- | --- | --- | --- |\n"
        "| `gunicorn==23.0.0` | `gunicorn-23.0.0-py3-none-any.whl` | `sha256=a` |  |\n\n"
        "### Yanked since\n\n- `uvicorn`: `0.1`, `0.2`\n"
    )


def test_text_of_others_is_shown_as_it_is() -> None:
    text = told(discovery(change("`1.0` [x](http://y) | @z\n# title")), ROOT)
    assert r"- `` `1.0` [x](http://y) \| @z # title `` comes" in text


def test_a_long_table_says_what_it_leaves_out() -> None:
    many = tuple(Move("web", f"d{n}", "1", "2") for n in range(42))
    text = told(discovery(moves=Moves(**{**vars(NOTHING), "distributions": many})), ROOT)
    assert text.count("| `web` |") == 40
    assert text.endswith("\n2 more are in the lock.\n")


def test_what_people_ought_to_know_is_told_as_text() -> None:
    text = told(discovery(), ROOT, ["h11 9 has no wheel and is passed over; <b>8</b> is taken"])
    assert text.endswith(
        "\n### Noted\n\n- `h11 9 has no wheel and is passed over; <b>8</b> is taken`\n"
    )
