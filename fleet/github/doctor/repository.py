"""The repository on GitHub: the person's token, its branch and rules, and its environments."""

from collections.abc import Iterator, Mapping
from typing import Any

from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.github.api import Api
from fleet.github.doctor.app import CLIENT
from fleet.github.doctor.finding import Finding, fail, note, ok
from fleet.github.render.workflows import PAGES_ENVIRONMENT, environment_for, given, jobs_in

_SCOPES = ("repo", "workflow")
_PACKAGE_SCOPES = ("read:packages", "write:packages", "delete:packages")
# Rules that a commit straight to the branch breaks.
_STOPPING = frozenset({
    "pull_request", "required_status_checks", "update", "merge_queue", "workflows",
    "required_deployments", "required_signatures",
})  # fmt: skip


def look(
    api: Api, declaration: Declaration, files: Mapping[str, str], github: GitHub, app: int | None
) -> Iterator[Finding]:
    """Yield what is found of the repository, which is given ``files``.

    ``app`` is the App's number, None if not known.
    """
    root = f"/repos/{github.repository}"
    found = api.find(root)
    if found is None:
        yield fail(
            f"repository: GitHub shows no {github.repository} to this token",
            "Make it, or correct fleet:github.repository, or give a token that may see it",
        )
        return
    yield from _scopes(api.head(root).get("x-oauth-scopes"), declaration)
    yield from _settings(found, github)
    yield from _rules(api, root, github, app)
    reviewed = environment_for(github, "removals")
    for name in sorted({job["environment"] for job in jobs_in(files) if "environment" in job}):
        if name not in {reviewed, PAGES_ENVIRONMENT}:
            yield from _environment(api, github, name, *given(declaration, files, name))
    yield _reviewers(api, github)
    if github.pages:
        yield _site(api, root)
    for job in sorted(declaration.schedules):
        yield _schedule(api, github, job)


def _scopes(told: str | None, declaration: Declaration) -> Iterator[Finding]:
    """Yield what a classic token is missing; one of the new kind does not tell what it may do."""
    if told is None:
        return
    scopes = {scope.strip() for scope in told.split(",")}
    wanted = (*_SCOPES, *(_PACKAGE_SCOPES if declaration.host == "ghcr.io" else ()))
    missing = [scope for scope in wanted if scope not in scopes]
    if missing:
        yield fail(
            f"token: GITHUB_TOKEN lacks the scopes {', '.join(missing)}",
            "Make one that has them, for the first up from here; the workflows use the App",
        )
    else:
        yield ok(f"token: GITHUB_TOKEN has the scopes {', '.join(wanted)}")


def _settings(found: Mapping[str, Any], github: GitHub) -> Iterator[Finding]:
    place = f"repository: {github.repository}"
    if found.get("archived"):
        yield fail(f"{place} is archived", "Unarchive it in its settings")
    if not found.get("permissions", {}).get("admin"):
        yield fail(
            f"{place} is not administered by this token's user",
            "Take a token of an administrator: environments and workflow permissions are set",
        )
    if found["default_branch"] != github.branch:
        yield fail(
            f"{place} has the default branch {found['default_branch']}, not {github.branch}",
            "GitHub runs schedules on the default branch alone: declare it as fleet:github.branch",
        )
    if github.versions == "merge" and found.get("allow_auto_merge") is False:
        yield fail(
            f"{place} allows no auto-merge, and fleet:github.versions is merge",
            "Allow it in the settings, General, Pull Requests",
        )
    yield ok(f"{place} is there")


def _rules(api: Api, root: str, github: GitHub, app: int | None) -> Iterator[Finding]:
    """Yield whether the App may commit generated files to the branch, and whether it is guarded."""
    place = f"branch {github.branch}"
    rules = api.pages(f"{root}/rules/branches/{github.branch}")
    rulesets = dict.fromkeys(rule["ruleset_id"] for rule in rules if rule["type"] in _STOPPING)
    classic = api.find(f"{root}/branches/{github.branch}/protection", hidden=True)
    if classic is not None:
        yield fail(
            f"{place} has a protection of the old kind, which no App can be let past in whole",
            "Make it a ruleset that has the App in its bypass list",
        )
    for number in rulesets:
        yield _bypass(api.find(f"{root}/rulesets/{number}", hidden=True) or {}, place, app)
    if not rulesets and classic is None:
        remedy = "Make a ruleset that asks for a pull request and the checks check and preview"
        whoever = f"{place} is not protected: whoever may push publishes images"
        yield fail(whoever, remedy) if github.versions == "merge" else note(whoever, remedy)


def _bypass(ruleset: Mapping[str, Any], place: str, app: int | None) -> Finding:
    """Return whether a ruleset lets the App pass, and not just when asked.

    Where the App's number is not known, any App may be it.
    """
    actors, name = ruleset.get("bypass_actors"), ruleset.get("name", "a ruleset")
    remedy = f"Add the App of {CLIENT} to its bypass list, Always allow"
    if actors is None:
        return note(f"{place}: this token may not see who passes {name}", remedy)
    apps = (actor for actor in actors if actor["actor_type"] == "Integration")
    always = (actor["actor_id"] for actor in apps if actor.get("bypass_mode") == "always")
    if any(app in {None, number} for number in always):
        return ok(f"{place}: {name} lets the App pass")
    return fail(f"{place}: {name} stops the commits of generated files", remedy)


def _environment(
    api: Api, github: GitHub, name: str, secrets: list[str], variables: list[str]
) -> Iterator[Finding]:
    place = f"/repos/{github.repository}/environments/{name}"
    if api.find(place, hidden=True) is None:
        command = f"Run gh api --method PUT {place}"
        makes = "The first up makes it" if name == github.environment else command
        yield note(
            f"environment {name}: not there yet",
            f"{makes}. Then give it the secrets {', '.join(secrets)} and the "
            f"variables {', '.join(variables)}: make doctor tells the commands",
        )
        return
    for kind, wanted in (("secret", secrets), ("variable", variables)):
        held = {entry["name"] for entry in api.pages(f"{place}/{kind}s", within=f"{kind}s")}
        for missing in (n for n in wanted if n not in held):
            command = f"gh {kind} set {missing} --repo {github.repository} --env {name}"
            yield note(f"environment {name}: has no {kind} {missing}", f"Run {command}")
    yield ok(f"environment {name}: is there")


def _reviewers(api: Api, github: GitHub) -> Finding:
    """Return whether somebody is asked before a tag is removed.

    GitHub makes an environment that a job names, without any rule: then nobody is.
    """
    name = environment_for(github, "removals")
    page = f"https://github.com/{github.repository}/settings/environments"
    remedy = f"Open {page}, make or choose {name}, and name required reviewers; give it no secret"
    found = api.find(f"/repos/{github.repository}/environments/{name}", hidden=True)
    if found is None:
        return fail(f"environment {name}: not there, so nobody is asked about removals", remedy)
    rules = [r for r in found.get("protection_rules", ()) if r.get("type") == "required_reviewers"]
    if not any(rule.get("reviewers") for rule in rules):
        return fail(f"environment {name}: has no reviewers, so removals go unasked", remedy)
    return ok(f"environment {name}: has reviewers, who are asked before a name is removed")


def _site(api: Api, root: str) -> Finding:
    """Return whether GitHub Pages publishes what a workflow hands it, by its settings."""
    found = api.find(f"{root}/pages", hidden=True)
    if found is None:
        remedy = f"Run gh api --method POST {root}/pages -f build_type=workflow"
        return fail("pages: the repository has no site, so the catalog can't be published", remedy)
    if found.get("build_type") != "workflow":
        remedy = f"Run gh api --method PUT {root}/pages -f build_type=workflow"
        return fail("pages: the site is made of a branch, not by a workflow", remedy)
    return ok(f"pages: the catalog is published at {found.get('html_url')}")


def _schedule(api: Api, github: GitHub, job: str) -> Finding:
    """Return whether GitHub runs a scheduled workflow, which it may have switched off."""
    path = f"/repos/{github.repository}/actions/workflows/{job}.yml"
    found = api.find(path, hidden=True)
    if found is None:
        return note(f"schedule {job}: its workflow is not there yet", "The first up writes it")
    if found["state"] == "active":
        return ok(
            f"schedule {job}: is on. GitHub switches schedules of a public repository off after "
            "60 days without activity in it"
        )
    return fail(
        f"schedule {job}: GitHub has its workflow as {found['state']}, so it does not run",
        f"Run gh workflow enable {job}.yml --repo {github.repository}",
    )
