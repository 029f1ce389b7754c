"""The promises that every image's start script makes, whatever serves the application.

Starts are slow under emulation, so each scenario looks at as much as one start can show. An image
gives the application to serve, and adds what its own server shows.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from processes import check_command, check_printed
from serving import APP, Scenario, check_reloader_stop, check_stop, parsed, run

if TYPE_CHECKING:
    from expect import Expect
    from report import Report
    from server import Server

ANY_USER = 10001


def configured(probe: str, flags: dict[str, str]) -> Scenario:
    """An application `app` to discover, a prestart script, a value for every setting, any user."""
    return Scenario(
        name="configured",
        port=8181,
        settings={
            "HOST": "127.0.0.1",
            "PORT": "8181",
            "WORKERS": "2",
            "LOG_LEVEL": "trace",
            # What Kubernetes sets for a service of that name.
            "UVICORN_PORT": "tcp://10.96.0.12:8000",
            **flags,
        },
        # One that the image does not know, as Kubernetes and OpenShift choose it.
        user=ANY_USER,
        files={
            # Under the names of modules that the start itself has.
            **dict.fromkeys(("worker.py", "gunicorn_settings.py"), "raise SystemExit(1)\n"),
            "app/__init__.py": "",
            "app/main.py": probe.format(name="app"),
            "prestart.sh": "export VERIFY_PRESTART=sourced\n",
        },
    )


def check_configured(body: dict[str, object], server: Server, report: Report) -> None:
    """Check discovery of app.main before main, prestart, HOST and PORT."""
    report.equal("discovery prefers /app/app/main.py", "app.main", body.get("module"))
    report.equal("/app/prestart.sh is sourced", "sourced", body.get("prestart"))
    check_printed(server, "HOST and PORT are kept", "http://127.0.0.1:8181 ", report)
    report.lacks("another user sees no error", "ERROR", server.output())
    report.lacks("an application is not taken for the example", "example", server.output())


def check_bare(body: dict[str, object], server: Server, expect: Expect, report: Report) -> None:
    """Check the defaults: the example, the declared Python, the address and the log level."""
    python = ".".join(str(body.get("python")).split(".")[:2])
    report.equal("bare: the example runs on the declared Python", expect.python, python)
    check_printed(server, "bare: the example is said to be one", "serving the example", report)
    check_printed(server, "bare: HOST and PORT", "http://0.0.0.0:80 ", report)
    report.lacks("bare: LOG_LEVEL is info", "DEBUG", server.output())


def reloading(probe: str) -> Scenario:
    """An application that is named by the settings, and served with RELOAD=true."""
    return Scenario(
        name="reloading",
        port=8282,
        settings={
            "PORT": "8282",
            "WORKERS": "1",
            "RELOAD": "true",
            "MODULE_NAME": "verify_reloaded",
            "VARIABLE_NAME": "application",
            "PRE_START_PATH": str(APP / "verify_prestart.sh"),
        },
        files={
            "verify_reloaded.py": probe.format(name="application"),
            "verify_prestart.sh": "export VERIFY_PRESTART=elsewhere\n",
        },
    )


def check_reloading(
    body: dict[str, object], server: Server, probe: str, report: Report, *, command: str
) -> None:
    """Check RELOAD, MODULE_NAME, VARIABLE_NAME and PRE_START_PATH, then stop the server."""
    module = body.get("module")
    report.equal("MODULE_NAME and VARIABLE_NAME choose", "verify_reloaded", module)
    report.equal("PRE_START_PATH is sourced", "elsewhere", body.get("prestart"))
    check_command(server, "reloading", report, command)
    changed = probe.format(name="application").replace("first", "second")
    server.until("the edited application", lambda: edited(server, changed) or None)
    report.ok("RELOAD serves an edited application")
    if command == "uvicorn":
        check_reloader_stop(server, "reloading", report)
    else:
        check_stop(server, "reloading", report, signal.SIGQUIT)


def waiting(report: Report) -> None:
    """Check that a stop while the prestart script waits ends it, and what it waits for."""
    chosen = Scenario(
        name="waiting",
        files={"prestart.sh": "echo waits; until false; do sleep 600; done\n"},
    )

    def look(server: Server) -> None:
        server.until("the prestart script", lambda: "waits" in server.output() or None)
        check_stop(server, "waiting", report)

    run(chosen, report, look)


def edited(server: Server, changed: str) -> bool:
    """Edit the application until the reloader sees it; True once the edit is what answers.

    The reloader compares with what it saw first, and that may already be the first edit.
    """
    if "reloading" not in server.output().lower():
        draft = APP / "verify_reloaded.draft"
        draft.write_text(changed, "utf-8")
        draft.replace(APP / "verify_reloaded.py")
        return False
    answer = server.try_get()
    return answer is not None and parsed(answer).get("edition") == "second"
