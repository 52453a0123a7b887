"""The command `doctor`."""

from typing import Annotated

import typer

from cognito_claims.cli.console import tell_findings
from cognito_claims.cli.options import EnvFile, Format, IssuerType, OutputFormat, PoolId
from cognito_claims.tools.doctor.doctor import doctor as run_doctor
from cognito_claims.tools.doctor.doctor import nothing_found
from cognito_claims.tools.inputs import read_environment


def doctor(
    *,
    user_pool_id: PoolId,
    client_ids: Annotated[
        list[str] | None,
        typer.Option("--client-id", help="An app client, instead of all; again for each."),
    ] = None,
    issuer_type: Annotated[
        IssuerType | None,
        typer.Option("--issuer-type", help="The pool's issuer that the backends are set up for."),
    ] = None,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Examine a pool and the functions attached to it, by reading alone; exits with 1 when there is an error."""
    environ = read_environment(env_file)
    findings = run_doctor(
        user_pool_id,
        client_ids or (),
        environ,
        issuer_type=None if issuer_type is None else issuer_type.value,
    )
    tell_findings(findings, output_format, nothing_found(client_ids or ()))
