"""The promises of the start script, each kept by a real server in the image.

Starts are slow under emulation, so each scenario looks at as much as one start can show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from serving import APP, Scenario, answered, check_command, check_gunicorn, check_stop, parsed, run

if TYPE_CHECKING:
    from expect import Expect
    from report import Report
    from server import Server

PROBE = """
import json, os
EDITION = "first"
async def {name}(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    body = {{"scope": scope["type"], "module": __name__, "edition": EDITION,
            "asgi": scope["asgi"]["version"], "prestart": os.environ.get("VERIFY_PRESTART")}}
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": json.dumps(body).encode()}})
"""

CONFIGURED = Scenario(
    name="configured",
    port=8181,
    settings={
        "HOST": "127.0.0.1",
        "PORT": "8181",
        "WORKERS": "2",
        "LOG_LEVEL": "trace",
        "GUNICORN_EXTRA_FLAGS": "--access-logfile -",
        "UVICORN_EXTRA_FLAGS": "--header 'x-verified:by its flags'",
    },
    files={
        "app/__init__.py": "",
        "app/main.py": PROBE.format(name="app"),
        "prestart.sh": "export VERIFY_PRESTART=sourced\n",
    },
)

RELOADING = Scenario(
    name="reloading",
    port=8282,
    settings={
        "PORT": "8282",
        "RELOAD": "true",
        "MODULE_NAME": "verify_reloaded",
        "VARIABLE_NAME": "application",
        "PRE_START_PATH": "/app/verify_prestart.sh",
    },
    files={
        "verify_reloaded.py": PROBE.format(name="application"),
        "verify_prestart.sh": "export VERIFY_PRESTART=elsewhere\n",
    },
)


def run_scenarios(expect: Expect, report: Report) -> None:
    """Run every scenario, each with files of its own that are gone afterwards."""
    run(Scenario(name="bare"), report, lambda server: bare(server, expect, report))
    run(CONFIGURED, report, lambda server: configured(server, report))
    run(RELOADING, report, lambda server: reloading(server, report))


def bare(server: Server, expect: Expect, report: Report) -> None:
    """The image as it comes: the example application and every default."""
    body = answered(server, "bare", report)
    python = ".".join(str(body.get("python")).split(".")[:2])
    report.equal("bare: the example runs on the declared Python", expect.python, python)
    check_gunicorn(server, "bare", report, workers=4)
    starting = f"Starting gunicorn {expect.packages.get('gunicorn')}"
    report.contains("bare: the declared gunicorn runs", starting, server.output())
    report.contains("bare: HOST and PORT", "http://0.0.0.0:80 ", server.output())
    report.lacks("bare: LOG_LEVEL is info", "[DEBUG]", server.output())
    check_stop(server, "bare", report)


def configured(server: Server, report: Report) -> None:
    """Discovery of app.main before main, prestart, and the settings of the server."""
    body = answered(server, "configured", report)
    report.equal("discovery prefers /app/app/main.py", "app.main", body.get("module"))
    report.equal("/app/prestart.sh is sourced", "sourced", body.get("prestart"))
    header = server.answer().headers.get("x-verified")
    report.equal("UVICORN_EXTRA_FLAGS reach uvicorn", "by its flags", header)
    check_gunicorn(server, "configured", report, workers=2)
    output = server.output()
    report.contains("HOST and PORT are kept", "http://127.0.0.1:8181 ", output)
    report.contains("LOG_LEVEL trace reaches uvicorn", "[TRACE]", output)
    report.contains("LOG_LEVEL trace is debug for gunicorn", "[DEBUG]", output)
    report.contains("GUNICORN_EXTRA_FLAGS reach gunicorn", '"GET / HTTP', output)
    check_stop(server, "configured", report)


def reloading(server: Server, report: Report) -> None:
    """RELOAD, MODULE_NAME, VARIABLE_NAME and PRE_START_PATH."""
    body = answered(server, "reloading", report)
    module = body.get("module")
    report.equal("MODULE_NAME and VARIABLE_NAME choose", "verify_reloaded", module)
    report.equal("PRE_START_PATH is sourced", "elsewhere", body.get("prestart"))
    report.contains("RELOAD starts uvicorn's reloader", "reloader process", server.output())
    check_command(server, "reloading", report, "uvicorn")
    server.until("the edited application", lambda: edited(server) or None)
    report.ok("RELOAD serves an edited application")
    check_stop(server, "reloading", report)


def edited(server: Server) -> bool:
    """Edit the application until the reloader sees it; True once the edit is what answers.

    The reloader compares with what it saw first, and that may already be the first edit.
    """
    if "Reloading..." not in server.output():
        draft = APP / "verify_reloaded.draft"
        draft.write_text(PROBE.format(name="application").replace("first", "second"), "utf-8")
        draft.replace(APP / "verify_reloaded.py")
        return False
    answer = server.try_get()
    return answer is not None and parsed(answer).get("edition") == "second"
