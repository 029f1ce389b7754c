"""Checks that the image around it keeps its promises; exits 0, or 1 with every broken one."""

from __future__ import annotations

import os
import sys
import time

from distributions import check_distributions, check_requirements
from expect import ExpectError, parse_expect
from image_checks import check_image
from imports import check_imports
from refusals import run_refusals
from report import Report
from scenarios import bare, run_scenarios
from serving import Scenario, run
from settings import waiting


def main() -> int:
    """Run the checks of this platform against the build argument EXPECT; return the exit status."""
    try:
        expect = parse_expect(os.environ.get("EXPECT", ""), os.environ.get("TARGETPLATFORM", ""))
    except ExpectError as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    report = Report()
    check_image(expect, report)
    check_distributions(expect, report)
    check_imports(expect.packages, report)
    run(Scenario("bare"), report, lambda server: bare(server, expect, report))
    # What is shell and Python is the same everywhere: one platform shows it.
    if expect.is_whole:
        check_requirements(expect, report)
        run_refusals(report)
        waiting(report)
        run_scenarios(expect, report)
    print(expect.scope, flush=True)
    if report.failures:
        print(report.summary(), file=sys.stderr)
        print(f"verify: {len(report.failures)} checks failed", file=sys.stderr, flush=True)
        # What a step prints right before it fails may be lost on its way to who reads the log: of
        # eight builds that failed here, two showed their last lines, and with a pause every one.
        time.sleep(2)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
