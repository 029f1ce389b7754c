"""The allow-list: what Docker sends, what git is asked about, and parts of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.checkout.dockerignore import matching, pathspecs, patterns_of
from fleet.declaration.problems import DeclarationError
from tests.fleet.checkout.folders import committed, folder, git, write


def allowed(folder: Path) -> list[str]:
    sent = matching(folder, patterns_of(folder))
    return [path.relative_to(folder).as_posix() for path in sent]


def test_only_what_the_allow_list_names_is_sent(tmp_path: Path) -> None:
    image = folder(tmp_path)
    assert allowed(image) == ["app/main.py", "start.sh"]


@pytest.mark.parametrize(
    "ignore",
    ["", "notes.swp\n", "!start.sh\n", "*\nstart.sh\n", "*\n!**/*.py\n", "*\n!\n", "*\n!.\n",
     "*\n![st]art.sh\n", "*\n!start\\.sh\n", "*\n!?.py\n"],
)  # fmt: skip
def test_what_is_no_allow_list_is_refused(tmp_path: Path, ignore: str) -> None:
    with pytest.raises(DeclarationError, match=r"web/image/\.dockerignore: is not an allow-list"):
        allowed(folder(tmp_path, ignore))


def test_a_star_stays_within_its_folder_as_docker_has_it(tmp_path: Path) -> None:
    image = folder(tmp_path, "*\n!*.py\n!*.sh\n")
    assert allowed(image) == ["start.sh"]


@pytest.mark.parametrize("line", ["!./start.sh", "!/start.sh", "! start.sh", "!app/../start.sh"])
def test_a_path_is_cleaned_as_docker_cleans_it(tmp_path: Path, line: str) -> None:
    assert patterns_of(folder(tmp_path, f"*\n{line}\n")) == ("start.sh",)


PATHS = ("a", "a b/c.py", "lib/c.py", "lib/deep/c.py", "lib/d.sh", "é/c.py", ":(x)/c.py", "-f")
_patterns = st.lists(
    st.sampled_from([*PATHS, "*", "lib", "lib/*", "*/c.py", "lib/*.py", "l*", ":(x)/*", "-*"]),
    min_size=1, max_size=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("paths")
    for path in PATHS:
        write(root / "in here" / path)
    committed(root)
    return root


@given(_patterns)
def test_git_is_asked_about_just_the_files_that_are_sent(
    checkout: Path, patterns: list[str]
) -> None:
    here = Path("in here")
    named = git(checkout, "ls-files", "-z", "--", *pathspecs(here, patterns)).split("\0")
    sent = [p.relative_to(checkout).as_posix() for p in matching(checkout / here, patterns)]
    assert sorted(filter(None, named)) == sorted(sent)
