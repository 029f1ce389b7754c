"""The operations that each stand-in for GitHub serves, and those whose example it answers with."""

_OWNERS = ("/orgs/{org}", "/users/{username}")
_PACKAGE = "/packages/{package_type}/{package_name}"
_VERSION = f"{_PACKAGE}/versions/{{package_version_id}}"
_OF_AN_OWNER = (
    ("GET", _PACKAGE),
    ("GET", f"{_PACKAGE}/versions"),
    ("GET", _VERSION),
    ("DELETE", _VERSION),
    ("POST", f"{_VERSION}/restore"),
)
_REPO = "/repos/{owner}/{repo}"
_CONTENTS = f"{_REPO}/contents/{{path}}"
_ENVIRONMENT = f"{_REPO}/environments/{{environment_name}}"
_POLICIES = f"{_ENVIRONMENT}/deployment-branch-policies"
_POLICY = f"{_POLICIES}/{{branch_policy_id}}"
_SECRET = f"{_ENVIRONMENT}/secrets/{{secret_name}}"
_VARIABLES = f"{_ENVIRONMENT}/variables"
_VARIABLE = f"{_VARIABLES}/{{name}}"
_PERMISSIONS = f"{_REPO}/actions/permissions/workflow"
EXAMPLES = frozenset(
    {"GET /orgs/{org}", f"GET {_REPO}", f"GET {_REPO}/branches/{{branch}}", f"GET {_ENVIRONMENT}"}
)
WANTED: dict[str, tuple[str, ...]] = {
    "packages": tuple(f"{verb} {o}{rest}" for o in _OWNERS for verb, rest in _OF_AN_OWNER),
    "repository": (
        "GET /orgs/{org}",
        f"GET {_REPO}",
        f"GET {_REPO}/branches/{{branch}}",
        f"GET {_REPO}/commits/{{ref}}",
        *(f"{verb} {_CONTENTS}" for verb in ("GET", "PUT", "DELETE")),
        *(f"{verb} {_ENVIRONMENT}" for verb in ("GET", "PUT", "DELETE")),
        f"POST {_POLICIES}",
        *(f"{verb} {_POLICY}" for verb in ("GET", "PUT", "DELETE")),
        f"GET {_ENVIRONMENT}/secrets/public-key",
        *(f"{verb} {_SECRET}" for verb in ("GET", "PUT", "DELETE")),
        f"POST {_VARIABLES}",
        *(f"{verb} {_VARIABLE}" for verb in ("GET", "PATCH", "DELETE")),
        *(f"{verb} {_PERMISSIONS}" for verb in ("GET", "PUT")),
    ),
    "jobs": (
        "GET /app",
        *(f"GET {o}{_PACKAGE}{rest}" for o in _OWNERS for rest in ("", "/versions")),
        f"GET {_REPO}",
        *(f"{verb} {_REPO}/issues" for verb in ("GET", "POST")),
        f"PATCH {_REPO}/issues/{{issue_number}}",
        *(f"{verb} {_REPO}/issues/{{issue_number}}/comments" for verb in ("GET", "POST")),
        f"PATCH {_REPO}/issues/comments/{{comment_id}}",
        f"GET {_REPO}/actions/workflows/{{workflow_id}}",
        f"POST {_REPO}/actions/workflows/{{workflow_id}}/dispatches",
        *(f"{verb} {_REPO}/pulls" for verb in ("GET", "POST")),
        f"PATCH {_REPO}/pulls/{{pull_number}}",
        f"GET {_REPO}/git/commits/{{commit_sha}}",
        *(f"POST {_REPO}/git/{kind}" for kind in ("commits", "trees", "refs")),
        f"GET {_REPO}/git/ref/{{ref}}",
        *(f"{verb} {_REPO}/git/refs/{{ref}}" for verb in ("PATCH", "DELETE")),
        f"GET {_REPO}/installation",
        f"GET {_REPO}/rules/branches/{{branch}}",
        f"GET {_REPO}/branches/{{branch}}/protection",
        f"GET {_REPO}/rulesets/{{ruleset_id}}",
        f"GET {_ENVIRONMENT}",
        *(f"GET {_ENVIRONMENT}/{kind}" for kind in ("secrets", "variables")),
    ),
}
