// The user's record in SurrealDB, over its HTTP endpoint `/rpc`, as the bearer of the ID token.

import { config } from "./config.js";
import { bearer } from "./sign_in.js";

const FIELDS = "email, cognito_username, display_name, about";

/** Read the user's record. It is there: SurrealDB writes it when it takes the token. */
export async function readUser() {
  const rows = await query(`SELECT ${FIELDS} FROM $auth`);
  return only(rows);
}

/** Change what the user may change, and give the record as it is then. */
export async function saveUser({ displayName, about }) {
  const changes = "display_name = string::slice($display_name, 1), about = string::slice($about, 1)";
  const rows = await query(`UPDATE $auth SET ${changes} RETURN ${FIELDS}`, {
    display_name: text(displayName),
    about: text(about),
  });
  return only(rows);
}

/** Run one statement with bound parameters, and give its result. */
export async function query(statement, variables = {}) {
  const body = { id: 1, method: "query", params: [statement, variables] };
  let response = await post(bearer(), body);
  if (response.status === 401) {
    // A new user's first requests may collide when each makes the record; by now it is there.
    response = await post(bearer(), body);
  }
  if (response.status === 401) {
    throw new Error("SurrealDB did not take your token.");
  }
  const { error, result } = await response.json().catch(() => ({ error: {} }));
  if (!response.ok || error || result[0].status !== "OK") {
    throw new Error("SurrealDB did not take this.");
  }
  return result[0].result;
}

function post(token, body) {
  const headers = {
    Accept: "application/json",
    Authorization: `Bearer ${token}`,
    "Content-Type": "application/json",
    "Surreal-NS": config.namespace,
    "Surreal-DB": config.database,
  };
  const options = { method: "POST", headers, body: JSON.stringify(body) };
  return fetch(`${config.surrealdb}/rpc`, options).catch(() => {
    throw new Error("SurrealDB cannot be reached.");
  });
}

/** Mark a text as one: SurrealDB makes a record id of a JSON string such as "note:one" (#5671). */
function text(value) {
  return `=${value}`;
}

function only(rows) {
  if (rows.length !== 1) {
    throw new Error("SurrealDB has no record of you.");
  }
  return rows[0];
}
