"""The fleet's repository on GitHub: its environment, secrets, settings and generated files."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import pulumi
import pulumi_github as github

from fleet.declaration.github import GitHub

_AUTHOR: Final = "image-fleet"
# A domain that can be nobody's (RFC 2606): GitHub shows commits under the account of their address.
_EMAIL: Final = "image-fleet@noreply.invalid"


@dataclass(frozen=True, kw_only=True)
class RepositoryArgs:
    """Declared content of an existing repository.

    ``files`` are by path, ``secrets`` and ``variables`` of the environment by name.
    """

    github: GitHub
    files: Mapping[str, pulumi.Input[str]]
    secrets: Mapping[str, pulumi.Output[str]]
    variables: Mapping[str, str]


class Repository(pulumi.ComponentResource):
    """The stack's resources on GitHub, in a repository that it neither makes nor deletes.

    A file, secret or variable that leaves the declaration is deleted. When the whole component
    goes, by ``pulumi destroy`` or because the declaration names another repository or none, GitHub
    keeps what it holds, except that no branch may use the environment any longer.

    The token is read by the plugin, from the environment: see :mod:`components.github_access`.
    """

    def __init__(
        self, name: str, args: RepositoryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:index:Repository", name, {}, opts)
        self._declared = args.github
        self._place = f"{args.github.repository}/{args.github.environment}"
        self._provider = _provider(name, args.github, self)
        environment = self._environment()
        self._permissions()
        for secret, value in args.secrets.items():
            self._secret(secret, value, environment)
        for variable, text in args.variables.items():
            self._variable(variable, text, environment)
        for path, content in args.files.items():
            self._file(path, content)
        self.register_outputs({})

    def _options(self, *, retain: bool = False, forget: bool = False) -> pulumi.ResourceOptions:
        """Return the options of a child: never deleted on GitHub with ``retain``.

        With ``forget`` it is, unless the component goes as well (``deletedWith``).
        """
        return pulumi.ResourceOptions(
            parent=self,
            provider=self._provider,
            retain_on_delete=retain,
            deleted_with=self if forget else None,
        )

    def _environment(self) -> github.RepositoryEnvironment:
        environment = github.RepositoryEnvironment(
            self._place,
            repository=self._declared.name,
            environment=self._declared.environment,
            deployment_branch_policy=github.RepositoryEnvironmentDeploymentBranchPolicyArgs(
                protected_branches=False, custom_branch_policies=True
            ),
            # GitHub deletes an environment with all the secrets in it.
            opts=self._options(retain=True),
        )
        # Deleted when the component goes: the workflows stay, and one that still runs on its
        # schedule must not get at the secrets and bring the stack up again. GitHub also refuses to
        # make a policy that it holds, so a retained one would stand in the way of the next stack.
        github.RepositoryEnvironmentDeploymentPolicy(
            self._place,
            repository=self._declared.name,
            environment=environment.environment,
            branch_pattern=self._declared.branch,
            opts=self._options(),
        )
        return environment

    def _permissions(self) -> None:
        github.WorkflowRepositoryPermissions(
            self._declared.repository,
            repository=self._declared.name,
            # Each job grants itself what it needs.
            default_workflow_permissions="read",
            can_approve_pull_request_reviews=False,
            opts=self._options(retain=True),
        )

    def _secret(
        self, name: str, value: pulumi.Output[str], environment: github.RepositoryEnvironment
    ) -> None:
        hidden: pulumi.Output[str] = pulumi.Output.secret(value)
        # A failed update leaves the new value in the state, and no refresh can tell that GitHub has
        # the old one: it would stay. A failed replacement is made up for by the next run.
        replaced = pulumi.ResourceOptions(replace_on_changes=["value"], delete_before_replace=True)
        github.ActionsEnvironmentSecret(
            f"{self._place}/{name}",
            repository=self._declared.name,
            environment=environment.environment,
            secret_name=name,
            value=hidden,
            opts=self._options(forget=True).merge(replaced),
        )

    def _variable(self, name: str, value: str, environment: github.RepositoryEnvironment) -> None:
        github.ActionsEnvironmentVariable(
            f"{self._place}/{name}",
            repository=self._declared.name,
            environment=environment.environment,
            variable_name=name,
            value=value,
            # GitHub refuses to make one that it holds: see the branch policy.
            opts=self._options(),
        )

    def _file(self, path: str, text: pulumi.Input[str]) -> None:
        github.RepositoryFile(
            f"{self._declared.repository}/{path}",
            repository=self._declared.name,
            branch=self._declared.branch,
            file=path,
            content=text,
            # Also that of the deletion; no workflow starts for it, or an up would start the next.
            commit_message=f"{path}: as the stack declares it [skip ci]",
            commit_author=_AUTHOR,
            commit_email=_EMAIL,
            # What was there stays in the history, and a write whose answer was lost is taken over.
            overwrite_on_create=True,
            opts=self._options(forget=True),
        )


def _provider(name: str, declared: GitHub, parent: pulumi.Resource) -> pulumi.ProviderResource:
    # Not the SDK's own class: that one copies GITHUB_TOKEN into the inputs, and so into the state,
    # where a token that changes by the hour would also make each run an update.
    return pulumi.ProviderResource(
        "github",
        name,
        {"owner": declared.owner},
        pulumi.ResourceOptions(parent=parent, version=version("pulumi-github")),
    )
