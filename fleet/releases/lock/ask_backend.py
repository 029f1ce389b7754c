"""Asks the build backend of a source distribution what it requires, in a builder without network.

Called as ``ask_backend.py IN OUT``. IN holds the archive ``source.*``, ``requirements.txt`` with
the pins of what builds it, and their files in ``wheels``. OUT gets METADATA, or ERROR with the end
of what was printed. The backend is code of others: whoever reads OUT takes it for a stranger's
text. Runs on every Python that images have.
"""

import json
import subprocess
import sys
from pathlib import Path

SECONDS = 600
LONGEST_REASON = 2000
FIELDS = {
    "Name": "name",
    "Version": "version",
    "Requires-Python": "requires_python",
    "Requires-Dist": "requires_dist",
    "Provides-Extra": "provides_extra",
}
"""By field of the core metadata, its key in the report of pip."""


def main(given: Path, out: Path) -> None:
    """Fill ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    work = out.with_name(f"{out.name}-work")
    (work / "tmp").mkdir(parents=True)
    venv, report = work / "venv", work / "report.json"
    clean = {
        "HOME": str(work),
        "LANG": "C.UTF-8",
        "PATH": f"{venv / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONHASHSEED": "0",
        "TMPDIR": str(work / "tmp"),
    }
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check"]
    pip += ["--python", str(venv), "install", "--no-deps", "--no-index", "--no-cache-dir"]
    (source,) = given.glob("source.*")
    commands = [[sys.executable, "-m", "venv", "--without-pip", str(venv)]]
    if (given / "requirements.txt").read_text("utf-8"):
        wheels = ["--find-links", str(given / "wheels"), "-r", str(given / "requirements.txt")]
        commands.append([*pip, *wheels])
    # A dry run asks the backend for its metadata (PEP 517) and builds nothing.
    dry = ["--dry-run", "--ignore-installed", "--use-pep517", "--no-build-isolation"]
    commands.append([*pip, *dry, "--report", str(report), str(source)])
    for command in commands:
        if failed := failure(command, clean, work):
            (out / "ERROR").write_text(failed, "utf-8")
            return
    (installed,) = json.loads(report.read_text("utf-8"))["install"]
    (out / "METADATA").write_text(text_of(installed["metadata"]), "utf-8")


def failure(command: "list[str]", clean: "dict[str, str]", work: Path) -> str:
    """Run ``command``; return the end of what it printed where it fails, else nothing."""
    log = work / "log"
    with log.open("wb") as file:
        try:
            done = subprocess.run(
                command, env=clean, cwd=work, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"it did not end within {SECONDS} s"
    if not done.returncode:
        return ""
    printed = log.read_text("utf-8", "replace").strip()
    return printed[-LONGEST_REASON:] or f"it ended with status {done.returncode}"


def text_of(reported: "dict[str, object]") -> str:
    """Return core metadata with what a resolver goes by."""
    lines = ["Metadata-Version: 2.1"]
    for field, key in FIELDS.items():
        value = reported.get(key) or []
        lines += [f"{field}: {one}" for one in (value if isinstance(value, list) else [value])]
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
