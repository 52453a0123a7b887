"""The SQL of PostgreSQL's end, and how each server is told about the pool."""

from collections.abc import Set

from cognito_claims.contract.issuer import Issuer
from cognito_claims.contract.postgrest import ANONYMOUS, LOGIN
from cognito_claims.tools.backends.part import Part, pool_of
from cognito_claims.tools.inputs import region_of_pool

_OF_SUPABASE = (LOGIN, ANONYMOUS, "authenticated")
_ROLE = """DO $$ BEGIN
  CREATE ROLE {role} {kind};
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
"""
_SQL = """BEGIN;

-- 1. Roles. The service logs in as one that may do nothing by itself.
{roles}DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles
    WHERE rolname IN ({names}) AND (rolsuper OR rolbypassrls OR rolcreaterole)) THEN
    RAISE 'one of these roles may do more than policies and grants say';
  END IF;
END $$;

-- 2. Who asks. What is in the claims counts only for this pool, its app clients and a token in time.
CREATE SCHEMA IF NOT EXISTS cognito;
CREATE OR REPLACE FUNCTION cognito.claims() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{{}}')::jsonb
$$;
CREATE OR REPLACE FUNCTION cognito.user_id() RETURNS uuid
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT CASE WHEN claims ->> 'iss' = {issuer}
    AND CASE claims ->> 'token_use'
      WHEN 'access' THEN claims ->> 'client_id' WHEN 'id' THEN claims ->> 'aud'
    END IN ({clients})
    AND jsonb_typeof(claims -> 'exp') = 'number'
    AND to_timestamp((claims ->> 'exp')::float8) > clock_timestamp() - interval '30 seconds'
    AND claims ->> 'role' = current_user
    AND claims ->> 'sub' ~ '^[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}$'
  THEN (claims ->> 'sub')::uuid END
  FROM cognito.claims() AS claims
$$;
CREATE OR REPLACE FUNCTION cognito.check_request() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
  IF cognito.user_id() IS NULL AND current_user <> '{anonymous}' THEN
    RAISE SQLSTATE 'PT401' USING MESSAGE = 'the token is not for this API';
  END IF;
END
$$;
REVOKE ALL ON SCHEMA cognito FROM PUBLIC;
GRANT USAGE ON SCHEMA cognito TO {granted};

-- 3. A table. Copy this block for each of yours; each needs all of its lines.
CREATE TABLE IF NOT EXISTS public.items (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner uuid NOT NULL DEFAULT cognito.user_id(),
  body text NOT NULL
);
ALTER TABLE public.items ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.items FORCE ROW LEVEL SECURITY;
REVOKE ALL ON public.items FROM PUBLIC, {granted};
GRANT SELECT, INSERT (body), UPDATE (body), DELETE ON public.items TO {users};
DROP POLICY IF EXISTS own_rows ON public.items;
CREATE POLICY own_rows ON public.items TO {users}
  USING (owner = (SELECT cognito.user_id()))
  WITH CHECK (owner = (SELECT cognito.user_id()));

COMMIT;
"""
_HOOK = f"""
-- PostgREST asks this function before each request.
ALTER ROLE {LOGIN} SET pgrst.db_pre_request = 'cognito.check_request';
NOTIFY pgrst, 'reload config';
"""
_POSTGREST = """db-uri = "postgres://{login}@localhost/postgres"
db-schemas = "public"
db-anon-role = "{anonymous}"
db-pre-request = "cognito.check_request"
jwt-role-claim-key = ".role"
# PostgREST does not fetch keys. Let a job write this file, and send SIGUSR2, when Cognito's change:
# {jwks}
jwt-secret = "@/etc/postgrest/jwks.json"
"""
_SUPABASE = """[auth.third_party.aws_cognito]
enabled = true
user_pool_id = "{pool}"
user_pool_region = "{region}"
"""
_TRANSACTION = """-- Verify the token first: signature ({jwks}), RS256, iss, exp.
-- Then, in each request, on a connection of {login}; true means: for this transaction alone.
BEGIN;
SELECT set_config('role', $1::jsonb ->> 'role', true), set_config('request.jwt.claims', $1, true);
SELECT cognito.check_request();
-- your statements
COMMIT;
"""


def sql(roles: Set[str], issuer: Issuer, *, has_roles: bool) -> str:
    """Return the script, to be run again as often as you like; Supabase has its own roles."""
    kinds = {LOGIN: "LOGIN NOINHERIT", ANONYMOUS: "NOLOGIN NOINHERIT"}
    kinds |= dict.fromkeys(sorted(roles), "NOLOGIN NOINHERIT")
    new = [role for role in kinds if not (has_roles and role in _OF_SUPABASE)]
    made = [_ROLE.format(role=_name(role), kind=kinds[role]) for role in new]
    granted = ", ".join(_name(role) for role in new if role != LOGIN)
    made += [f"GRANT {granted} TO {LOGIN};\n"] if granted else []
    users = ", ".join(map(_name, sorted(roles)))
    return _SQL.format(
        roles="".join(made),
        names=", ".join(map(_text, kinds)),
        granted=f"{ANONYMOUS}, {users}",
        users=users,
        anonymous=ANONYMOUS,
        issuer=_text(issuer.url),
        clients=", ".join(map(_text, issuer.client_ids)),
    )


def config_parts(name: str, issuer: Issuer) -> list[Part]:
    """Return how the server is told whose tokens to take."""
    pool = pool_of(issuer)
    known = {"jwks": issuer.jwks_url, "login": LOGIN, "anonymous": ANONYMOUS}
    if name == "postgresql":
        text = _TRANSACTION.format(**known)
        return [Part("transaction", "what your service does in each request", "sql", text)]
    hook = Part("hook", "who checks each request", "sql", _HOOK.lstrip())
    if name == "postgrest":
        return [hook, Part("config", "postgrest.conf", "text", _POSTGREST.format(**known))]
    text = _SUPABASE.format(pool=pool, region=region_of_pool(pool))
    return [hook, Part("config", "supabase/config.toml, or the dashboard", "text", text)]


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
