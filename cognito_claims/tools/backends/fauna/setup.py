"""Fauna's set-up, in FSL: the collection, who may mint tokens, what a user's tokens may do.

No Fauna engine could be run where this was written: the minter's predicate and the membership's passed Fauna's own validator, the
function and its role follow its reference ("FSL role schema", "FSL function schema").
"""

from collections.abc import Mapping

from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.tools.backends.part import Part, find_plugin

MINTER = "cognitoTokenMinter"
USER = "cognitoUser"
_REFRESHER = "cognitoRefresher"
_ACCESS_MINTER = "accessTokenMinter"
_REFRESHED = "refreshAccessToken"


def parts(environ: Mapping[str, str]) -> list[Part]:
    """Write the schema; the plugin takes nothing but identifiers and whole numbers for what stands in it."""
    plugin = find_plugin(FaunaTokens, "fauna", environ)
    items = [_collection(plugin), _minter(plugin), _users(plugin)]
    if plugin.refresh_ttl_seconds is not None:
        items += [_refreshers(plugin), _access_minter(plugin), _refresh(plugin)]
    key = f'the function\'s key is Key.create({{ role: "{MINTER}" }}).secret'
    return [Part("schema", f"the schema, in FSL; {key}", "fsl", "\n".join(items))]


def _collection(plugin: FaunaTokens) -> str:
    # `unique` makes two first sign-ins at once one document.
    return f"""collection {plugin.collection} {{
  unique [.{plugin.identity}]
  index {plugin.index} {{
    terms [.{plugin.identity}]
  }}
}}
"""


def _minter(plugin: FaunaTokens) -> str:
    longest = plugin.refresh_ttl_seconds or plugin.ttl_seconds
    return f"""role {MINTER} {{
  privileges {plugin.collection} {{
    read
    create
  }}
  privileges Token {{
    create {{
      predicate (tok => {_capped(plugin, longest)})
    }}
  }}
}}
"""


def _users(plugin: FaunaTokens) -> str:
    membership = _membership(plugin, "access")
    return f"""role {USER} {{
  membership {membership}
  // privileges: what your users may do
}}
"""


def _refreshers(plugin: FaunaTokens) -> str:
    return f"""role {_REFRESHER} {{
  membership {_membership(plugin, "refresh")}
  privileges {_REFRESHED} {{
    call
  }}
}}
"""


def _access_minter(plugin: FaunaTokens) -> str:
    return f"""role {_ACCESS_MINTER} {{
  privileges {plugin.collection} {{
    read {{
      predicate (user => user == Query.identity())
    }}
  }}
  privileges Token {{
    create {{
      predicate (tok => {_capped(plugin, plugin.ttl_seconds)} && tok.document == Query.identity() && tok.data!.type == "access")
    }}
    read {{
      predicate (tok => tok.document == Query.identity())
    }}
  }}
}}
"""


def _refresh(plugin: FaunaTokens) -> str:
    return f"""@role({_ACCESS_MINTER})
function {_REFRESHED}() {{
  let refresh = Query.token()!
  if (refresh.data!.type != "refresh") abort("not a refresh token")
  let access = Token.create({{
    document: Query.identity()!,
    ttl: Time.now().add({plugin.ttl_seconds}, "seconds"),
    data: {{ type: "access", refresh: refresh.id.toString() }}
  }})
  {{ access: access.secret! }}
}}
"""


def _capped(plugin: FaunaTokens, seconds: int) -> str:
    isa = f"tok.document isa {plugin.collection}"
    return f'{isa} && tok.ttl != null && tok.ttl! <= Time.now().add({seconds}, "seconds")'


def _membership(plugin: FaunaTokens, kind: str) -> str:
    if plugin.refresh_ttl_seconds is None:
        return plugin.collection
    return f"""{plugin.collection} {{
    predicate (user => Query.token()!.data!.type == "{kind}")
  }}"""
