"""Documents of rules, right ones and wrong ones: what the reader and the schema are held against."""

from typing import Any

Document = dict[str, Any]

MEMBER = {"dynamodb": {"table": "members", "key": {"pk": "USER#{sub}", "sk": "TENANT#{tenant}"}}}
PLAN = {"dynamodb": {"table": "plans", "key": {"pk": {"N": "{sub}"}}}, "cache_seconds": 60}
CLIENT = {"dynamodb": {"table": "clients", "key": {"pk": "CLIENT#{client_id}"}}}
SERVICE = {"https": {"url": "https://e.example/", "secret": "ssm:/x", "auth": "bearer"}}
EXAMPLE: Document = {
    "lookups": {"member": {**MEMBER, "absent": "deny"}},
    "email_providers": ["Google", "Okta"],
    "groups": [
        {
            "from": "custom:idp_groups",
            "when": {"providers": ["Okta"]},
            "read": "cognito-list",
            "values": {"Okta Editors": "editors"},
            "keep": True,
        }
    ],
    "tenant": {
        "from": "client_metadata.tenant",
        "among": {"from": "cognito:groups", "prefix": "tenant:"},
        "default": {"from": "custom:home_tenant"},
    },
    "deny": [
        {
            "unless": {"email_domains": ["example.com"]},
            "reason": "Sign in with your work account.",
        },
        {"when": {"is": {"member.suspended": [True]}}, "reason": "Your account is suspended."},
    ],
    "claims": {
        "tenant_id": {"from": "tenant", "to": ["id", "access"], "absent": "deny"},
        "roles": {
            "from": "cognito:groups",
            "values": {"editors": ["editor", "author"], "admins": "admin"},
            "to": ["access"],
        },
        "role": {
            "first": [
                {"when": {"groups": ["admins"]}, "constant": "admin"},
                {"when": {"groups": ["editors"]}, "constant": "editor"},
            ],
            "default": "authenticated",
        },
        "permissions": {"from": "member.permissions", "as": "words", "to": ["access"]},
        "https://aws.amazon.com/tags": {
            "object": {
                "principal_tags": {"object": {"tenant": {"from": "tenant", "as": "list"}}},
            }
        },
        "service": {
            "constant": "billing",
            "when": {"clients": ["3example23456789abcdefghij"]},
            "to": ["access"],
        },
    },
    "scopes": {"orders/write": {"groups": ["editors"]}, "orders/read": True},
    "scopes_from": {"from": "member.scopes", "values": {"export": "reports/export"}},
    "suppress_scopes": {"aws.cognito.signin.user.admin": {"providers": ["Okta"]}},
    "suppress": {"id": ["phone_number"]},
}
"""The example of the reference."""


def without_lookups() -> Document:
    """Give the example without what needs a look-up."""
    document = {k: v for k, v in EXAMPLE.items() if k not in ("lookups", "scopes_from")}
    document["deny"] = document["deny"][:1]
    document["claims"] = {k: v for k, v in document["claims"].items() if k != "permissions"}
    return document


def claim(**words: Any) -> Document:
    """Give a document of one claim, `from_`, `as_` for the words that Python keeps for itself."""
    return {"claims": {"x": {word.rstrip("_"): value for word, value in words.items()}}}


def nested(levels: int) -> Document:
    """Give a claim of objects in objects."""
    rule: Document = {"constant": 1}
    for _ in range(levels):
        rule = {"object": {"a": rule}}
    return {"claims": {"x": rule}}


def defaulted(levels: int) -> Document:
    """Give a claim whose default has a default, and so on."""
    rule: Document = {"from": "name"}
    for _ in range(levels):
        rule = {"from": "name", "default": rule}
    return {"claims": {"x": rule}}


def lookup(**words: Any) -> Document:
    """Give a document of one look-up."""
    return {"lookups": {"l": words}}


def key(template: Any) -> Document:
    """Give a document of one look-up with this template."""
    return lookup(dynamodb={"table": "t", "key": {"pk": template}})


RIGHT: dict[str, Document] = {
    "nothing": {},
    "the example": EXAMPLE,
    "the example without look-ups": without_lookups(),
    "every look-up": {
        "lookups": {"m-1": MEMBER, "plan_2": PLAN, "client": CLIENT, "service": SERVICE},
        "tenant": {"from": "client_metadata.t", "among": {"item": "m-1"}},
        "claims": {
            "a": {"from": "service.x.y", "read": "words"},
            "b": {"from": "client.name", "to": ["access"]},
            "c": {"from": "plan_2.level", "as": "number", "default": 0},
        },
    },
    "a service that proves the tenant": {
        "lookups": {"service": SERVICE},
        "tenant": {"from": "client_metadata.t", "among": {"item": "service"}},
    },
    "a look-up that the tenant uses": {
        "lookups": {"client": CLIENT, "m": MEMBER},
        "tenant": {
            "from": "client_metadata.t",
            "among": {"from": "client.tenants"},
            "when": {"clients": ["a"]},
        },
        "claims": {"r": {"from": "m.role"}},
    },
    "odd names of attributes": claim(first=[{"from": "custom:a.b"}, {"from": "dev:x:y"}]),
    "false and zero are values": claim(constant=False, default=0),
    "objects in objects": nested(5),
    "defaults of defaults": defaulted(15),
    "one entry of groups": {"groups": {"constant": ["a", "b"], "when": {"clients": ["c"]}}},
    "groups by what is no attribute": {
        "groups": [{"from": "cognito:groups", "values": {"a": "b"}}]
    },
    "any scope may be suppressed": {"suppress_scopes": {"openid": True}},
    "a default that is an object": claim(from_="name", default={"constant": {"a": []}}),
    "tokens apart": {"suppress": {"access": ["x"]}, **claim(from_="name")},
    "http to a loopback address": lookup(
        https={"url": "http://127.0.0.1:80/", "secret": "s", "auth": "standard-webhooks"}
    ),
    "for editors": {"$schema": "https://example.com/schema.json", "backends": ["supabase"]},
}


TEXT = "expected a text that is not empty"
TEXTS = "expected a list of texts that are not empty"
SOME = "expected one text or more"
OBJECT = "expected an object"
NOTHING = "is nothing"
HERE = "is not allowed here"
UNKNOWN = "unknown word"
BESIDE = "is allowed only beside from"
ONE = "expected one of from, constant, object, first"
FOR_LIST = "is allowed only beside an attribute or a value of a look-up"
ADDED = "cannot be added or changed in the {} token"
TO = "expected a list of id, access or both"
WHOSE = "its key must hold {tenant} and one of {sub}, {cognito:username}, {email}, {client_id}"
BETWEEN = "expected a character other than letters, digits and ._@+- between two placeholders"
HTTPS = "expected https://; plain http:// is for a loopback address"
NO_SCOPE = "is not a scope: a scope has no blanks, quotes or backslashes"
NEEDS_VALUES = "required beside an attribute: which of its texts give which groups"
NEEDS_PROVIDERS = "required beside an attribute: providers, whose users it is read of"
SCALARS = "expected a list of texts, numbers, true and false"
BOTH = "is both added and suppressed"
AMONG = {"from": "cognito:groups", "prefix": "t:"}
DEEP = "nested more than 5 levels deep"

Row = tuple[Any, dict[str, str]]
WRONG: list[Row] = [
    ([], {"rules": OBJECT}),
    ({"claim": {}}, {"claim": f"{UNKNOWN}; did you mean claims?"}),
    (
        {"claims": [], "deny": {}, "scopes": 1, "suppress": [], "lookups": 1, "backends": "x"},
        {
            **dict.fromkeys(("claims", "scopes", "suppress", "lookups"), OBJECT),
            "deny": "expected a list",
            "backends": TEXTS,
        },
    ),
    (
        {"claims": {"a": {"fron": "sub"}, "b": {"constant": None}}, "deny": [{}]},
        {
            "claims.a.fron": f"{UNKNOWN}; did you mean from?",
            "claims.a": ONE,
            "claims.b.constant": NOTHING,
            "deny[0]": "expected when, unless or both: it would refuse everybody",
        },
    ),
    ({"claims": {"x": 1}}, {"claims.x": OBJECT}),
    ({"claims": {"": {"from": "sub"}}}, {"claims": "a name cannot be empty"}),
    (claim(from_="sub", constant=1), {"claims.x": ONE}),
    (claim(from_=""), {"claims.x.from": TEXT}),
    (claim(from_=5), {"claims.x.from": TEXT}),
    (claim(constant=[]), {"claims.x.constant": NOTHING}),
    (claim(from_="name", default=""), {"claims.x.default": NOTHING}),
    (claim(from_="name", default={}), {"claims.x.default": ONE}),
    (claim(from_="name", absent="Deny"), {"claims.x.absent": "omit, deny; did you mean deny?"}),
    (claim(from_="name", to="id"), {"claims.x.to": TO}),
    (claim(from_="name", to=[]), {"claims.x.to": TO}),
    (claim(from_="name", to=["id", "id"]), {"claims.x.to": TO}),
    (claim(from_="name", to=["refresh"]), {"claims.x.to": TO}),
    (claim(from_="name", as_="text"), {"claims.x.as": "expected one of string, list, json"}),
    (claim(from_="name", read="Json"), {"claims.x.read": "did you mean json?"}),
    (claim(from_="name", values={}), {"claims.x.values": "expected a row or more"}),
    (claim(from_="name", values={"a": ""}), {"claims.x.values.a": TEXT}),
    (claim(from_="name", values={"a": []}), {"claims.x.values.a": SOME}),
    (claim(from_="name", values={"a": [1]}), {"claims.x.values.a": TEXTS}),
    (claim(from_="name", values={"a": ["b", "b"]}), {"claims.x.values.a": "duplicate text"}),
    (claim(constant=1, values={"a": "b"}), {"claims.x.values": BESIDE}),
    (claim(object={"a": {"from": "sub"}}, prefix="a"), {"claims.x.prefix": BESIDE}),
    (claim(object={}), {"claims.x.object": "expected a member or more"}),
    (claim(object={"a": {"from": "sub", "to": ["id"]}}), {"claims.x.object.a.to": HERE}),
    (claim(first=[]), {"claims.x.first": "expected an entry or more"}),
    (claim(first=[{"constant": 1, "default": 2}]), {"claims.x.first[0].default": HERE}),
    (claim(first=[{"from": "sub", "absent": "deny"}]), {"claims.x.first[0].absent": HERE}),
    (claim(from_="name", among={}), {"claims.x.among": "expected one of from, constant, item"}),
    (claim(from_="name", among={"constant": "a"}), {"claims.x.among.constant": TEXTS}),
    (claim(from_="name", when={}), {"claims.x.when": "expected a condition"}),
    (claim(from_="name", when={"groups": []}), {"claims.x.when.groups": SOME}),
    (claim(from_="name", when={"group": ["a"]}), {"claims.x.when.group": "did you mean groups?"}),
    (claim(from_="name", unless={"is": {}}), {"claims.x.unless.is": "expected a source"}),
    (claim(from_="name", when={"is": {"name": []}}), {"claims.x.when.is.name": SCALARS}),
    (claim(from_="name", when={"is": {"name": [None]}}), {"claims.x.when.is.name": SCALARS}),
    (claim(from_="name", when={"is": {"name": [""]}}), {"claims.x.when.is.name": SCALARS}),
    (claim(from_="name", when={"is": []}), {"claims.x.when.is": OBJECT}),
    (
        claim(from_="name", when={"email_domains": ["@e.com"]}),
        {"claims.x.when.email_domains": "expected domains, as in example.com, without @"},
    ),
    (claim(from_="FILL_IN: an attribute"), {"claims.x.from": "is still to be filled in"}),
    ({"groups": [{"constant": 1}]}, {"groups[0].constant": "expected a group or a list of groups"}),
    ({"groups": {"constant": ["a", ""]}}, {"groups.constant": TEXTS}),
    ({"groups": [{"constant": "a", "unless": {"clients": ["c"]}}]}, {"groups[0].unless": HERE}),
    ({"groups": [{"constant": "a", "keep": 1}]}, {"groups[0].keep": "expected true or false"}),
    ({"groups": [{"constant": "a", "when": None}]}, {"groups[0].when": OBJECT}),
    ({"groups": [{"keep": True}]}, {"groups[0]": "expected one of from, constant"}),
    ({"tenant": {"from": "custom:t", "to": ["id"]}}, {"tenant.to": HERE}),
    (
        {"tenant": {"object": {"a": {"from": "sub"}}}},
        {"tenant.object": HERE, "tenant": "expected one of from, constant, first"},
    ),
    ({"deny": [{"when": {"clients": ["a"]}, "reason": ""}]}, {"deny[0].reason": TEXT}),
    ({"deny": [{"when": {"clients": ["a"]}, "as": "list"}]}, {"deny[0].as": HERE}),
    ({"scopes": {"a b": True}}, {"scopes.a b": NO_SCOPE}),
    ({"scopes": {"openid": True}}, {"scopes.openid": "cannot be added"}),
    ({"scopes": {"x": False}}, {"scopes.x": OBJECT}),
    ({"scopes": {"x": {}}}, {"scopes.x": "expected a condition"}),
    ({"suppress_scopes": {'"': True}}, {'suppress_scopes."': NO_SCOPE}),
    (
        {"scopes_from": {"from": "scope"}},
        {"scopes_from": "needs values: which scopes there may be"},
    ),
    ({"scopes_from": {"values": {"a": "b"}}}, {"scopes_from": "expected from"}),
    (
        {"scopes_from": {"from": "scope", "values": {"a": "b"}, "as": "list"}},
        {"scopes_from.as": HERE},
    ),
    ({"suppress": {"id": "email"}}, {"suppress.id": TEXTS}),
    ({"suppress": {"ID": []}}, {"suppress.ID": f"{UNKNOWN}"}),
    ({"$schema": ""}, {"$schema": TEXT}),
    (lookup(), {"lookups.l": "expected one of dynamodb, https"}),
    (lookup(**SERVICE, **PLAN), {"lookups.l": "expected one of dynamodb, https"}),
    (lookup(**SERVICE, absent="allow"), {"lookups.l.absent": "expected one of omit, deny"}),
    (lookup(**SERVICE, cache_seconds=-1), {"lookups.l.cache_seconds": "a whole number of seconds"}),
    (lookup(**SERVICE, cache_seconds=True), {"lookups.l.cache_seconds": "a whole number"}),
    (
        lookup(dynamodb={"key": {}, "consistent": "yes", "region": ""}),
        {
            "lookups.l.dynamodb.table": TEXT,
            "lookups.l.dynamodb.key": "expected one attribute or two",
            "lookups.l.dynamodb.consistent": "expected true or false",
            "lookups.l.dynamodb.region": TEXT,
        },
    ),
    (key(5), {"lookups.l.dynamodb.key.pk": TEXT}),
    (
        key({"S": "a"}),
        {"lookups.l.dynamodb.key.pk.S": UNKNOWN, "lookups.l.dynamodb.key.pk.N": TEXT},
    ),
    (
        lookup(https={"url": "", "auth": "basic"}),
        {
            "lookups.l.https.url": TEXT,
            "lookups.l.https.secret": TEXT,
            "lookups.l.https.auth": "expected one of bearer, standard-webhooks",
        },
    ),
    ({"lookups": {"a b": SERVICE}}, {"lookups.a b": "expected a name of letters, digits, - and _"}),
]
"""What reader and schema refuse: each place, and what its message holds."""

WRONG_TO_THE_READER: list[Row] = [
    (nested(6), {f"claims.x{'.object.a' * 5}.object": DEEP}),
    (claim(from_="custm"), {"claims.x.from": "no such source"}),
    (claim(from_="phone"), {"claims.x.from": "no such source"}),
    (claim(from_="nickame"), {"claims.x.from": "did you mean nickname?"}),
    (
        claim(from_="email_verified"),
        {"claims.x.from": "is not a source: email gives nothing unless"},
    ),
    (claim(from_="identities"), {"claims.x.from": "is not a source: provider gives the names"}),
    (claim(from_="client_metadata"), {"claims.x.from": "expected a key"}),
    (claim(from_="client_metadata."), {"claims.x.from": "did you mean client_metadata.?"}),
    (claim(from_="client_metadata.x"), {"claims.x.from": "needs among"}),
    (claim(from_="tenant"), {"claims.x.from": "the document has no section tenant"}),
    (claim(from_="member.x"), {"claims.x.from": "no such source"}),
    (
        {"lookups": {"member": MEMBER}, "claims": {"x": {"from": "member..a"}}},
        {"claims.x.from": "expected a look-up and names, as in member.plan"},
    ),
    (
        claim(from_="scope", prefix="a"),
        {"claims.x.prefix": "is allowed only beside cognito:groups"},
    ),
    (claim(from_="cognito:groups", read="json"), {"claims.x.read": FOR_LIST}),
    (claim(from_="email", read="csv"), {"claims.x.read": FOR_LIST}),
    (
        claim(from_="custom:t", among={"from": "custom:l"}),
        {"claims.x.among.from": "gives a text, and a list is needed: add read"},
    ),
    (
        claim(from_="custom:t", among={"from": "client_id"}),
        {"claims.x.among.from": "this source may not be used here"},
    ),
    (claim(from_="custom:t", among={"item": "l"}), {"claims.x.among.item": "no such look-up"}),
    (
        {"lookups": {"l": MEMBER}, **claim(from_="custom:t", among={"item": "l"})},
        {"claims.x.among.item": "is allowed only in the section tenant"},
    ),
    (
        {"lookups": {"l": PLAN}, "tenant": {"from": "custom:t", "among": {"item": "l"}}},
        {"tenant.among.item": WHOSE},
    ),
    (
        {"lookups": {"l": MEMBER}, "tenant": {"from": "l.home"}},
        {"tenant.from": "the tenant cannot depend on a look-up whose key holds {tenant}"},
    ),
    (
        {"tenant": {"from": "custom:t", "when": {"is": {"tenant": ["a"]}}}},
        {"tenant.when.is.tenant": "the tenant cannot depend on itself"},
    ),
    (claim(from_="name", when={"is": {"scope": ["a"]}}), {"claims.x.when.is.scope": "not be used"}),
    (defaulted(16), {"claims.x" + ".default" * 16: "nested in more than 16 others"}),
    ({"claims": {"sub": {"from": "name"}}}, {"claims.sub": ADDED.format("id")}),
    (
        {"claims": {"scope": {"from": "name", "to": ["id", "access"]}}},
        {"claims.scope": ADDED.format("access")},
    ),
    ({"claims": {"cognito:x": {"from": "name"}}}, {"claims.cognito:x": ADDED.format("id")}),
    (
        {"claims": {"dev:x": {"from": "name"}}},
        {"claims.dev:x": "can only be suppressed in the id token"},
    ),
    ({"suppress": {"id": ["sub"]}}, {"suppress.id.sub": "cannot be suppressed in the id token"}),
    ({"suppress": {"access": ["aud"]}}, {"suppress.access.aud": "can only be added in the access"}),
    ({"suppress": {"id": ["x"]}, **claim(from_="sub")}, {"claims.x": f"{BOTH} in the id token"}),
    ({"scopes": {"a": True}, "suppress_scopes": {"a": True}}, {"suppress_scopes.a": BOTH}),
    (
        {
            "scopes_from": {"from": "scope", "values": {"x": ["a", "openid"]}},
            "suppress_scopes": {"a": True},
        },
        {"scopes_from.values": "cannot be added", "suppress_scopes.a": BOTH},
    ),
    ({"groups": {"from": "tenant"}}, {"groups.from": "this source may not be used here"}),
    (
        {"groups": {"from": "custom:g"}},
        {"groups.values": NEEDS_VALUES, "groups.when": NEEDS_PROVIDERS},
    ),
    (
        {"groups": {"from": "custom:g", "values": {"a": "b"}, "when": {"clients": ["c"]}}},
        {"groups.when": NEEDS_PROVIDERS},
    ),
    (
        {
            "tenant": {"from": "custom:t"},
            "groups": {"constant": "a", "when": {"is": {"tenant": ["t"]}}},
        },
        {"groups.when.is.tenant": "this source may not be used here"},
    ),
    ({"deny": [{"when": {"clients": ["a"]}, "reason": "a\nb"}]}, {"deny[0].reason": "one line"}),
    ({"lookups": {"tenant": SERVICE}}, {"lookups.tenant": "is the name of another source"}),
    ({"lookups": {"email": SERVICE}}, {"lookups.email": "is the name of another source"}),
    (key("{sub"), {"lookups.l.dynamodb.key.pk": "a brace is not closed"}),
    (key("sub}"), {"lookups.l.dynamodb.key.pk": "a brace is not opened"}),
    (key("{subj}"), {"lookups.l.dynamodb.key.pk": "no such placeholder; did you mean sub?"}),
    (key("{sub}{tenant}"), {"lookups.l.dynamodb.key.pk": BETWEEN}),
    (key("{sub}-{tenant}"), {"lookups.l.dynamodb.key.pk": BETWEEN}),
    (
        lookup(https={"url": "http://e.example", "secret": "s", "auth": "bearer"}),
        {"lookups.l.https.url": HTTPS},
    ),
    (
        lookup(https={"url": "https://a@e.example", "secret": "s", "auth": "bearer"}),
        {"lookups.l.https.url": HTTPS},
    ),
    (claim(constant=[float("nan")]), {"claims.x.constant[0]": "a number that a double can hold"}),
    (claim(constant="\ud800"), {"claims.x.constant": "expected text that UTF-8 can carry"}),
    (claim(constant={1}), {"claims.x.constant": "expected JSON, got set"}),
    (claim(constant={1: 2}), {"claims.x.constant": "expected names that are texts, got int"}),
]
"""What the reader alone can know, or what is no JSON."""
