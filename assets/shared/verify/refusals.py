"""Settings that cannot work end the start with one clear line, not with a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processes import check_printed
from serving import APP, Scenario, run

if TYPE_CHECKING:
    from report import Report
    from server import Server

PYTHON_SCRIPT = "#!/usr/bin/env python3\nprint('sourced by no shell')\n"
# Each with the words that its error must hold.
REFUSED = (
    (Scenario("a port that is no number", {"PORT": "tcp://10.0.0.1:80"}), "PORT is 'tcp:"),
    (Scenario("no workers", {"WORKERS": "0"}), "WORKERS is '0'"),
    (Scenario("an unknown log level", {"LOG_LEVEL": "loud"}), "LOG_LEVEL is 'loud'"),
    # That it is this module which is missing shows that APP_MODULE wins.
    (
        Scenario("a missing module", {"APP_MODULE": "verify_absent:app", "MODULE_NAME": "main"}),
        "no module 'verify_absent'",
    ),
    (Scenario("nothing but the example", {"REQUIRE_APPLICATION": "true"}), "is the example"),
    (
        Scenario("a prestart script that is not a shell's", files={"prestart.sh": PYTHON_SCRIPT}),
        "asks for python3",
    ),
)
NO_APPLICATION = (Scenario("a missing application"), "no application found")


def run_refusals(report: Report) -> None:
    """Try every setting that start.sh must refuse, and an image without an application."""
    for scenario, words in REFUSED:
        refused(scenario, words, report)
    example = APP / "main.py"
    if not example.is_file():
        report.fail("the example application is there", str(example), "no such file")
        return
    hidden = example.rename(example.with_name("hidden"))
    try:
        refused(*NO_APPLICATION, report)
    finally:
        hidden.rename(example)


def refused(scenario: Scenario, words: str, report: Report) -> None:
    """Check that start.sh ends by itself with status 1, these words and no traceback."""

    def look(server: Server) -> None:
        report.equal(f"{scenario.name}: the start fails", 1, server.wait())
        check_printed(server, f"{scenario.name}: the error says so", words, report)
        report.lacks(f"{scenario.name}: no traceback", "Traceback", server.output())

    run(scenario, report, look)
