"""What a run of the demo has shown, as text for people."""

import json
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cognito_claims.tools.demo.verdicts import PER_SIGN_IN


def print_result(found: Mapping[str, Any], seconds: float, console: Console) -> None:
    """Print the ID token's claims without and with the function, and a verdict of each backend."""
    console.print()
    console.print(_claims(found["id_token"]))
    console.print()
    grid = Table.grid(padding=(0, 2))
    for backend, verdict in _verdicts(found).items():
        grid.add_row(Text(backend, style="bold"), Text(verdict))
    console.print(grid)
    console.print()
    end = f"{seconds} s, on this machine alone; its processes and files are gone."
    console.print(Text(end, style="green"))


def _claims(token: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    table.add_column("ID token", no_wrap=True)
    for column in ("without the function", "with it"):
        table.add_column(column, overflow="fold")
    before, after = token["before"], token["after"]
    for claim in sorted(after.keys() - PER_SIGN_IN, key=lambda name: (name in before, name)):
        is_new = claim not in before
        shown = _text(after[claim])
        cells = ("", shown) if is_new else (shown, "the same")
        table.add_row(claim, *cells, style="green" if is_new else "dim")
    return table


def _verdicts(found: Mapping[str, Any]) -> dict[str, str]:
    if "postgresql" in found:
        return {"PostgreSQL": _told_by_postgresql(found["postgresql"])}
    surrealdb, hasura, fauna = found["surrealdb"], found["hasura"], found["fauna"]
    return {
        "SurrealDB": (
            f"{surrealdb['engine']}, set up with the pool's public key, since an embedded engine cannot fetch a JWKS: "
            f"signed in through the access {surrealdb['access']}, as the record named by sub. Own row read; "
            "two others' neither seen nor changed, by results or by errors; own email and name not changed. "
            "Without the function's claims: refused."
        ),
        "Hasura": (
            f"by its rules, no server here: role {hasura['session']['x-hasura-role']} accepted, "
            f"role admin refused [{hasura['admin']}]. Without the function's claims: refused."
        ),
        "Fauna": (
            f"by a bundled stand-in, not a Fauna: the secret is for document {fauna['document']}; it may mint no token "
            f"[{fauna['mints']}]; a forged one is refused [{fauna['forged']}]."
        ),
    }


def _told_by_postgresql(verdict: Mapping[str, Any]) -> str:
    return (
        f"{verdict['server']}, a real server with the SQL that setup prints: role "
        f"{verdict['session']['role']}, the user by sub. Own row read; another's neither seen nor "
        f"changed. Refused: {', '.join(verdict['refused'])}."
    )


def _text(value: object) -> Text:
    return Text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
