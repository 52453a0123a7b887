"""The command `check`."""

from cognito_claims.cli.console import tell_findings
from cognito_claims.cli.options import EnvFile, Format, OutputFormat
from cognito_claims.tools.evaluation.check import check as run_check
from cognito_claims.tools.inputs import read_environment


def check(env_file: EnvFile = None, output_format: OutputFormat = Format.TEXT) -> None:
    """Check the settings and the composition of the plugins; exits with 1 when there is an error."""
    findings = run_check(read_environment(env_file))
    tell_findings(findings, output_format, "No findings: the settings fit together.")
