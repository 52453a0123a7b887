"""The claims of the benchmark's rules as a plugin by hand, for the same handler."""

from collections.abc import Mapping

from cognito_claims import Claims, PreTokenGenerationEvent, TokenClaims, TokenDenied

_ROLES = {"editors": ("editor", "author"), "admins": ("admin",)}
_BOOLEANS = {"true": True, "false": False}


class RulesByHand:
    """The claims, the scopes, the tenant and the refusal."""

    pure = True

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        user = event.user
        if user is None:
            return Claims()
        email = user.trusted("email", ())
        if email is None or email.rpartition("@")[2].lower() != "example.com":
            raise TokenDenied("Sign in with your work account.")
        attributes, groups = user.attributes, event.groups
        tenant = _tenant(event)
        plan = attributes.get("custom:plan") or "free"
        names = {role: None for group in _ROLES if group in groups for role in _ROLES[group]}
        role = (
            "admin" if "admins" in groups else "editor" if "editors" in groups else "authenticated"
        )
        scopes = {"orders/read", "orders/write"} if "editors" in groups else {"orders/read"}
        teams = [team.strip(" ") for team in attributes.get("custom:teams", "").split(",")]
        return Claims(
            TokenClaims(
                {
                    "tenant_id": tenant,
                    "role": role,
                    "plan": plan,
                    "level": int(attributes["custom:level"]),
                    "beta": _BOOLEANS[attributes["custom:beta"]],
                    "https://aws.amazon.com/tags": {"principal_tags": {"tenant": [tenant]}},
                }
            ),
            TokenClaims(
                {
                    "tenant_id": tenant,
                    "roles": [*names],
                    "plan": plan,
                    "work_email": email,
                    "teams": teams,
                    "service": "shop",
                },
                add_scopes=frozenset(scopes),
            ),
        )


def _tenant(event: PreTokenGenerationEvent) -> str:
    tenants = [group[7:] for group in event.groups if group.startswith("tenant:") and group[7:]]
    asked = event.client_metadata.get("tenant")
    if asked in tenants:
        return str(asked)
    if asked or len(tenants) != 1:
        raise TokenDenied("Sign-in could not be completed")
    return tenants[0]


def from_env(_: Mapping[str, str], /) -> RulesByHand:
    """Make the plugin; it has no settings."""
    return RulesByHand()
