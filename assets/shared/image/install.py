"""Puts the distributions of a requirements file into a folder that becomes a layer of an image.

Called as `install.py REQUIREMENTS BUILD_REQUIREMENTS WHEELS OUT` with the paths of two pip
requirements files with hashes, either of which may be empty, and of two folders. What has a wheel
in WHEELS is installed from there, all else from wheels of the index where it has them; a
distribution without one for this platform is compiled with the build backends of
BUILD_REQUIREMENTS, and refused when there are none. Without OUT nothing is installed: WHEELS is
then made, and holds a wheel of each distribution.

The environment may hold BUILDER_PLATFORM, then only pure Python is allowed, and COMPILERS, the apk
packages that compiling takes on alpine. The same requirements give the same bytes, whenever they
are installed. Exits 0, or with an error's text.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

# The same for every build: the paths of sources and of the environment get into what is compiled.
WORK = Path("/tmp/install")  # noqa: S108 - in a container of its own
# The oldest date that a wheel, which is a zip file, can hold.
EPOCH = 315532800
HASHED = ("--no-deps", "--require-hashes")
WHEELS_ALONE = ("--only-binary", ":all:")
FIXED = {
    "SOURCE_DATE_EPOCH": str(EPOCH),
    "PYTHONHASHSEED": "0",
    # Debug information names temporary folders and is of no use in an image.
    "CFLAGS": "-O2 -g0",
    "CXXFLAGS": "-O2 -g0",
    # The official alpine image has neither library.
    "LDFLAGS": "-static-libgcc -static-libstdc++",
    # The full base has libyaml and the slim one has not; PyYAML does without.
    "PYYAML_FORCE_LIBYAML": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}


def main(requirements: Path, build_requirements: Path, made: Path, out: Path | None = None) -> None:
    """Fill `out`, which may stay an empty folder; without one, fill `made` with wheels."""
    os.environ.update(FIXED)
    shutil.rmtree(WORK, ignore_errors=True)
    wheels = WORK / "wheels"
    wheels.mkdir(parents=True)
    wanted, backends = read(requirements), read(build_requirements)
    if out:
        if made.exists():
            shutil.copytree(made, wheels, dirs_exist_ok=True)
        fill(out, wanted, backends, wheels)
    else:
        have_wheels(wanted, backends, wheels)
        keep(wanted, wheels, made)
    set_dates(out or made)
    shutil.rmtree(WORK)


def fill(out: Path, wanted: list[str], backends: list[str], wheels: Path) -> None:
    """Install what is wanted below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    there = names_in(wheels)
    made = [line for line in wanted if name_of(line) in there]
    lacking = [line for line in wanted if line not in made]
    if lacking and (refused := install_from_index(lacking, *below(out))):
        compile_missing(lacking, backends, wheels, refused)
        shutil.rmtree(out)  # of a call that broke off while it installed
        out.mkdir()
        made = wanted
    if made:
        install(made, wheels, *below(out))
    if wanted:
        check_pure(out)
        compile_bytecode(out)


def below(out: Path) -> tuple[str, ...]:
    """Return the options that have pip install below `out`, whatever the builder has itself."""
    return ("--root", str(out), "--ignore-installed", "--no-compile")


def have_wheels(wanted: list[str], backends: list[str], wheels: Path) -> None:
    """Have a wheel of everything wanted, from the index or made here."""
    if wanted and (refused := download_wheels(wanted, wheels)):
        compile_missing(wanted, backends, wheels, refused)


def keep(wanted: list[str], wheels: Path, made: Path) -> None:
    """Copy the wheels of what is wanted, and of nothing else, to `made`."""
    made.mkdir(parents=True, exist_ok=True)
    names = {name_of(line) for line in wanted}
    for wheel in wheels.glob("*.whl"):
        if name_of(wheel.name) in names:
            shutil.copyfile(wheel, made / wheel.name)


def names_in(wheels: Path) -> set[str]:
    """Return the names of the distributions whose wheels are in a folder."""
    return {name_of(wheel.name) for wheel in wheels.glob("*.whl")}


def name_of(text: str) -> str:
    """Return the normalised name (PEP 503) that a requirement or a wheel's file begins with."""
    name = (
        text.split("-", 1)[0] if text.endswith(".whl") else re.split("[=; ]", text, maxsplit=1)[0]
    )
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path: Path) -> list[str]:
    """Return the requirements of a file, each with its hashes on one line."""
    lines = path.read_text("utf-8").replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def compile_missing(wanted: list[str], backends: list[str], wheels: Path, refused: str) -> None:
    """Have a wheel of everything wanted, made here where the index has none for this platform.

    `refused` is how pip said so; it is shown where nothing may be compiled.
    """
    if not backends:
        sys.exit(
            f"{refused}\ninstall: pip got no wheel of each, see above; compiling takes "
            "BUILD_REQUIREMENTS"
        )
    say("the index has no wheel of each for this platform: the others are compiled")
    with_compilers("add", "--no-cache", "--virtual", ".compilers")
    environment = make_environment(backends, wheels)
    sources = fetch(wanted, wheels, environment)
    build(sources, wheels, environment)
    with_compilers("del", "--no-network", ".compilers")


def with_compilers(*words: str) -> None:
    """Call apk with these words where COMPILERS names packages for it."""
    packages = os.environ.get("COMPILERS", "").split()
    if packages and not shutil.which("apk"):
        sys.exit("install: COMPILERS is for builders with apk; give a builder that has compilers")
    if packages:
        names = packages if words[0] == "add" else []
        must(subprocess.run(["apk", *words, *names], check=False))


def make_environment(backends: list[str], wheels: Path) -> Path:
    """Return a virtual environment that holds the build backends.

    A backend without a wheel is compiled as well, in their order, by those that have one.
    """
    environment = WORK / "environment"
    words = [sys.executable, "-m", "venv", "--without-pip", str(environment)]
    must(subprocess.run(words, check=False))
    os.environ["PATH"] = f"{environment / 'bin'}:{os.environ['PATH']}"
    missing: list[str] = []
    if download_wheels(backends, wheels):
        missing = [line for line in backends if download_wheels([line], wheels)]
    install([line for line in backends if line not in missing], wheels, within=environment)
    for line in missing:
        build(fetch([line], wheels, environment), wheels, environment)
        install([line], wheels, within=environment)
    return environment


def fetch(wanted: list[str], wheels: Path, environment: Path) -> list[Path]:
    """Download what is wanted, wheels into their folder; return the source archives of the rest."""
    fetched = WORK / "fetched"
    words = ("--no-build-isolation",)
    if download(wanted, fetched, *words, within=environment).returncode:
        sys.exit("install: these can't be had, neither as a wheel nor as a source")
    for wheel in fetched.glob("*.whl"):
        shutil.move(str(wheel), str(wheels / wheel.name))
    return sorted(fetched.iterdir())


def build(archives: list[Path], wheels: Path, environment: Path) -> None:
    """Compile archives that were not compiled yet, each where it is unpacked."""
    for archive in archives:
        folder = WORK / "sources" / archive.name
        if folder.exists():
            continue
        shutil.unpack_archive(archive, folder)
        (source,) = folder.iterdir()
        # pip's own cache of what it compiled goes by the path alone, whatever it was compiled with.
        words = ["--no-build-isolation", "--no-deps", "--no-index", "--no-cache-dir"]
        words += ["--wheel-dir", str(wheels), str(source)]
        must(pip("wheel", *words, within=environment))


def download_wheels(wanted: list[str], folder: Path) -> str:
    """Download wheels whose hashes are among those that are wanted; return pip's errors, if any.

    They are not printed, for where there is another way they would alarm whoever reads.
    """
    return errors_of(download(wanted, folder, *WHEELS_ALONE, stderr=subprocess.PIPE))


def install_from_index(wanted: list[str], *words: str) -> str:
    """Install from wheels of the index, nothing where one has none; return pip's errors, if any.

    One call of pip instead of two: under emulation it starts for seconds.
    """
    words = ("install", "--no-warn-script-location", *HASHED, *WHEELS_ALONE, *words)
    return errors_of(pip(*words, "-r", str(listed(wanted)), stderr=subprocess.PIPE))


def errors_of(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return what a call that failed printed as its errors; print it for one that did not."""
    said = done.stderr.decode(errors="replace")
    if done.returncode:
        return said or f"pip ended with status {done.returncode}"
    sys.stderr.write(said)
    return ""


def download(
    wanted: list[str],
    folder: Path,
    *words: str,
    within: Path | None = None,
    stderr: int | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Download files whose hashes are among those that are wanted."""
    words = ("download", *HASHED, "--dest", str(folder), *words)
    return pip(*words, "-r", str(listed(wanted)), within=within, stderr=stderr)


def listed(wanted: list[str]) -> Path:
    """Write a requirements file; return its path."""
    path = WORK / "requirements.txt"
    path.write_text("\n".join(wanted), "utf-8")
    return path


def install(wanted: list[str], wheels: Path, *words: str, within: Path | None = None) -> None:
    """Install from the folder of wheels alone; their hashes were checked, or they were made here.

    By name and not by path, for pip records a path in what it installs.
    """
    names = [re.sub(r"\s+--hash=\S+", "", line) for line in wanted]
    words = ("--no-deps", "--no-index", "--find-links", str(wheels), *words)
    words = ("install", "--no-warn-script-location", *words, "-r", str(listed(names)))
    must(pip(*words, within=within))


def check_pure(out: Path) -> None:
    """Refuse what was compiled where the layer is meant for every platform."""
    if not os.environ.get("BUILDER_PLATFORM"):
        return
    tags = [p for p in out.rglob("WHEEL") if "Root-Is-Purelib: false" in p.read_text("utf-8")]
    if tags:
        names = ", ".join(sorted(path.parent.name for path in tags))
        sys.exit(f"install: {names}: not pure Python: build without BUILDER_PLATFORM")


def compile_bytecode(out: Path) -> None:
    """Compile to bytecode that is checked by its source's hash, not by its date.

    A file that does not compile (some packages ship syntax of other Python versions) stays source,
    as pip would leave it.
    """
    site = f"{out}{sysconfig.get_path('purelib')}"
    words = ["-q", "--invalidation-mode", "checked-hash", "-s", str(out), "-p", "/"]
    subprocess.run([sys.executable, "-m", "compileall", *words, site], check=False)


def set_dates(out: Path) -> None:
    """Give every file and folder one date."""
    for path in (out, *out.rglob("*")):
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


def pip(
    *words: str, within: Path | None = None, stderr: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Call this Python's pip, on the environment `within` where one is given."""
    where = ["--python", str(within)] if within else []
    command = [sys.executable, "-m", "pip", *where, *words]
    return subprocess.run(command, check=False, stderr=stderr)


def say(text: str) -> None:
    """Print a line among those of the commands, in their order."""
    print(f"install: {text}", flush=True)


def must(done: subprocess.CompletedProcess[bytes]) -> None:
    """End with an error where a command did; its own output says why."""
    if done.returncode:
        command = " ".join(map(str, done.args[:4]))
        sys.exit(f"install: {command} ... ended with status {done.returncode}; see above")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
