"""Statements by which a record user tries to see or change what is not theirs.

`{throw}` shows in an error what an expression sees, if it is not the user's own.
"""

from cognito_claims.contract.surrealdb import Generation

_SEEN = "<string> [id, email, cognito_username, about, plan, banned, owner, text]"
THROW = "{ IF id != $auth AND owner != $auth { THROW %s }; RETURN false }" % _SEEN  # noqa: UP031
STOLEN = "CREATE note SET owner = $auth, text = <string> [$parent.id, $parent.email, $parent.text]"
STORE = f"{{ {STOLEN}; RETURN false }}"

ON_A_TABLE_OR_ROW = (
    "SELECT * FROM {at}",
    "SELECT id FROM {at}",
    "SELECT {throw} FROM {at}",
    "SELECT VALUE {throw} FROM {at}",
    "SELECT * FROM {at} WHERE {throw}",
    "SELECT * FROM {at} WHERE {store}",
    "SELECT * FROM {at} WHERE <int> email = 1 OR <int> text = 1",
    "SELECT * FROM {at} WHERE id != $auth AND { THROW <string> $this }",
    "SELECT * FROM {at} WHERE id != $auth AND (SELECT VALUE { THROW <string> $parent } FROM 1)",
    "SELECT *, {throw} AS x FROM {at} ORDER BY x",
    "SELECT *, {throw} AS x FROM {at} SPLIT x",
    "SELECT *, {throw} AS x FROM {at} GROUP BY x",
    "SELECT math::sum(string::len({throw})) FROM {at} GROUP ALL",
    "SELECT array::group(email) AS emails, array::group(text) AS texts FROM {at} GROUP ALL",
    "SELECT * FROM {at} LIMIT {throw}",
    "SELECT * FROM {at} START {throw}",
    "SELECT * FROM {at} WHERE {throw} TIMEOUT 5s",
    "SELECT * FROM {at} WHERE {throw} EXPLAIN FULL",
    "SELECT * FROM {at} WITH NOINDEX WHERE email > '' AND {throw}",
    "SELECT * FROM {at} WITH INDEX email WHERE email > '' AND {throw}",
    "SELECT *, (SELECT * FROM {at} WHERE {throw}) AS x FROM {at}",
    "SELECT * FROM (SELECT * FROM {at} WHERE {throw})",
    "UPDATE {at} SET about = 'x', text = 'x'",
    "UPDATE {at} SET about = 'x' WHERE {throw}",
    "UPDATE {at} SET about = 'x' WHERE {store}",
    "UPDATE {at} SET about = 'x' WHERE <int> email = 1 OR <int> text = 1",
    "UPDATE {at} SET about = {throw}",
    "UPDATE {at} SET text = {throw}",
    "UPDATE {at} SET about = 'x' RETURN {throw}",
    "UPDATE {at} SET about = 'x' RETURN BEFORE",
    "UPDATE {at} SET about = 'x' RETURN DIFF",
    "UPDATE {at} SET about = email, text = text RETURN AFTER",
    "UPDATE {at} UNSET email, text RETURN {throw}",
    "UPDATE {at} CONTENT { about: {throw} }",
    "UPDATE {at} MERGE { about: {throw} }",
    "UPDATE {at} PATCH [{ op: 'replace', path: '/about', value: {throw} }]",
    "UPDATE {at} PATCH [{ op: 'test', path: '/email', value: 'x' }]",
    "UPDATE {at} PATCH [{ op: 'copy', from: '/email', path: '/about' }]",
    "LET $x = (UPDATE {at} SET about = 'x' WHERE {throw})",
    "DELETE {at} WHERE {throw}",
    "DELETE {at} WHERE {store}",
    "DELETE {at} WHERE <int> email = 1 OR <int> text = 1",
    "DELETE {at} RETURN {throw}",
    "RETURN (DELETE {at} WHERE {throw})",
    "INSERT INTO user (SELECT * FROM {at} WHERE {throw})",
    "CREATE note SET owner = $auth, text = <string> (SELECT VALUE email FROM {at} WHERE {throw})",
    "FOR $row IN (SELECT * FROM {at} WHERE {throw}) { RETURN $row }",
    "IF (SELECT * FROM {at} WHERE {throw}) { RETURN 1 }",
    "THROW <string> (SELECT * FROM {at})",
    "THROW <string> (SELECT * FROM {at} WHERE {throw})",
    "LIVE SELECT * FROM {at} WHERE {throw}",
)
FROM_2_X: tuple[str, ...] = (
    "UPSERT {at} SET about = 'x' WHERE {throw}",
    "UPSERT {at} SET about = 'x' WHERE {store}",
    "UPSERT {at} SET about = {throw}",
    "UPSERT {at} SET text = {throw}",
    "UPSERT {at} CONTENT { about: {throw} }",
    "UPSERT {at} MERGE { about: {throw} }",
    "UPSERT {at} SET about = 'x' RETURN {throw}",
    "SELECT * FROM {at} WHERE array::map([1], |$x| {throw})",
    "RETURN (SELECT * FROM {at}).map(|$row| { THROW <string> $row })",
)
_BOBS = "{ email: 'bob-mail@example.com', exp: 9999999999 }"
AS_BOB = (
    "FOR $auth IN [user:bob] { %s }",
    "FOR $token IN [%s] { FOR $auth IN [user:bob] { {do} } }" % _BOBS,  # noqa: UP031
    "RETURN array::map([user:bob], |$auth| { RETURN array::map([%s], |$token| { {do} }) })" % _BOBS,  # noqa: UP031
)
FROM_2_X = (
    *FROM_2_X,
    *(
        each.replace("%s", "{do}").replace("{do}", do)
        for each in AS_BOB
        for do in (
            "THROW <string> (SELECT * FROM user, note)",
            "UPDATE user:bob SET about = 'x' WHERE { THROW <string> [id, email, about] }",
            "SELECT * FROM user:bob WHERE { THROW <string> [id, email, about] }",
            "UPDATE user:bob SET about = 'x'",
            "UPDATE note SET text = 'x'",
            "DELETE note",
            "CREATE note SET owner = user:bob, text = 'x'",
        )
    ),
)
OTHERS = (
    "RETURN [user:bob.*, user:carol.email, note:bob.*]",
    "SELECT author.* FROM { author: user:bob } FETCH author",
    "SELECT * FROM [user:bob, user:carol, note:bob] WHERE {throw}",
    "SELECT owner.* FROM note FETCH owner",
    "SELECT count() FROM user WHERE email = 'bob@example.com' GROUP ALL",
    "RELATE $auth->knows->user:bob SET x = { THROW <string> [in.email, out.email] }",
    "RETURN $auth->(knows WHERE { THROW <string> [out.email, in.email] })",
    "SELECT ->(? WHERE {throw}) FROM user:bob",
    "CREATE user:bob SET email = {throw}, about = {throw}",
    "CREATE user:dave SET email = 'bob@example.com', cognito_username = 'z'",
    "CREATE user SET email = 'b@example.com', cognito_username = 'z' RETURN {throw}",
    "CREATE note SET owner = user:bob, text = 'x'",
    "CREATE note:bob SET owner = $auth, text = {throw}",
    "INSERT INTO user { id: user:bob, email: 'z@example.com' } ON DUPLICATE KEY UPDATE about = {throw}",
    "INSERT INTO note { id: note:bob, owner: $auth, text: 'x' } ON DUPLICATE KEY UPDATE text = {throw}",
    "INSERT INTO note { id: note:bob, owner: $auth, text: 'x' } ON DUPLICATE KEY UPDATE text = 'x'",
    "INSERT IGNORE INTO user { id: user:bob, email: 'z@example.com', cognito_username: 'z' }",
    "INFO FOR TABLE user",
    "INFO FOR DB",
    "SHOW CHANGES FOR TABLE user SINCE 0",
    "DEFINE EVENT e ON user THEN { THROW <string> $after }",
    "DEFINE TABLE OVERWRITE user PERMISSIONS FULL",
    "REMOVE TABLE user",
)
CHANGES = (
    "UPDATE user SET email = 'x@example.com', cognito_username = 'x', plan = 'x', banned = true",
    "UPDATE note SET owner = $auth, text = 'x'",
    "UPDATE $auth SET email = 'x@example.com', cognito_username = 'x', plan = 'x', banned = NONE",
    "DELETE note:bob",
    "DELETE user",
    "DELETE $auth",
)

_ODD = "string::len(IF $this = NONE { 'x' } ELSE { 1 }) = 1"  # an error for a row, none without
SEARCHES = tuple(
    f"{verb} WHERE {condition}"
    for verb in (
        "SELECT * FROM {table}",
        "SELECT count() FROM {table}",
        "UPDATE {table} SET about = 'x'",
        "UPSERT {table} SET about = 'x'",
        "DELETE {table}",
    )
    for condition in (
        f"{_ODD} AND {{field}} = {{value}}",
        f"{_ODD} AND {{field}} IN [{{value}}]",
        f"{_ODD} AND {{field}} >= {{value}} AND {{field}} <= {{value}}",
        f"{{field}} = {{value}} AND {_ODD}",
        "{field} = {value} OR { IF $this != NONE { THROW 'x' } }",
    )
)
"""Statements that fail where a row holds a value, if the engine finds the row by an index."""


def statements(generation: Generation) -> list[str]:
    """Write all of them for a generation; on 1.x nobody's `$auth` is set, but their name is known."""
    templates = (*ON_A_TABLE_OR_ROW, *(FROM_2_X if generation != "1.x" else ()))
    targets = ("user", "user:bob", "user:carol", "user:a..z", "note", "note:bob")
    found = [each.replace("{at}", target) for each in templates for target in targets]
    found = [*found, *OTHERS, *CHANGES]
    found = [each.replace("{throw}", THROW).replace("{store}", STORE) for each in found]
    if generation == "1.x":
        own = 'type::thing("user", $token.sub)'
        return [each.replace("$auth", own) for each in found]
    return found
