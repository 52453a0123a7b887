"""The commands `setup NAME` of the backends whose claims a rules document makes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from cognito_claims.cli.options import ClientIds, EnvFile, Format, Issuer, IssuerType, OutputFormat
from cognito_claims.contract import issuer as contract
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.tools.backends.named import RULES, Room
from cognito_claims.tools.backends.part import Part, find_part, find_plugin, issuer_of
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.inputs import read_environment


def command_of(
    room: Room,
    issuer_type: Callable[[IssuerType | None, str, Mapping[str, str], bool], contract.IssuerType],
    show: Callable[[Sequence[Part], Format], None],
) -> Callable[..., None]:
    """Make the command; `--part rules` needs neither settings nor a pool."""

    def command(
        *,
        user_pool_id: Annotated[
            str | None, typer.Option("--user-pool-id", help="As in eu-central-1_AbCdEfGhI.")
        ] = None,
        client_ids: ClientIds = [],  # noqa: B006  (typer's way to a list)
        issuer_type_told: Issuer = None,
        from_pool: Annotated[
            bool, typer.Option("--from-pool", help="Read the type of issuer from the pool itself.")
        ] = False,
        part: Annotated[
            str | None,
            typer.Option("--part", help="Print this part alone; rules is the document to fill in."),
        ] = None,
        env_file: EnvFile = None,
        output_format: OutputFormat = Format.TEXT,
    ) -> None:
        if part == RULES:
            rules = Part(
                RULES, "the document for MAPPER_RULES, to be filled in", "json", room.rules()
            )
            show([rules], output_format)
            return
        if user_pool_id is None or not client_ids:
            raise UnusableInput("--user-pool-id, --client-id: needed for all parts but rules")
        environ = read_environment(env_file)
        document = find_plugin(Mapper, "mapper", environ).document
        kind = issuer_type(issuer_type_told, user_pool_id, environ, from_pool)
        parts = room.parts(document, issuer_of(user_pool_id, client_ids, kind))
        show(parts if part is None else [find_part(parts, part)], output_format)

    return command
