// What Hasura's guide does in Node, in our words: a POST by `request`, of a mutation that inserts who signed in unless they are
// there already. The guide leaves Lambda to wait for the answer; here the promise does, so that both have written the row.
import request from "request";

const { HASURA_SYNC_ADMIN_SECRET, HASURA_SYNC_URL, USER_SYNC_QUEUE_URL } = process.env;
// Before the first event, as a careful team would.
const secret = HASURA_SYNC_ADMIN_SECRET.startsWith("arn:")
  ? await (await import("./secret.mjs")).fetched(HASURA_SYNC_ADMIN_SECRET)
  : HASURA_SYNC_ADMIN_SECRET;
const queue = USER_SYNC_QUEUE_URL ? await import("./queue.mjs") : null;

const query = `mutation ($userId: String!, $username: String) {
  insert_users(
    objects: [{ id: $userId, username: $username }]
    on_conflict: { constraint: users_pkey, update_columns: [] }
  ) {
    affected_rows
  }
}`;

const written = (variables) =>
  new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "x-hasura-admin-secret": secret };
    const body = JSON.stringify({ query, variables });
    request.post({ url: HASURA_SYNC_URL, headers, body }, (error) => (error ? reject(error) : resolve()));
  });

export async function handler(event) {
  const variables = { userId: event.request.userAttributes.sub, username: event.userName };
  try {
    await written(variables);
  } catch (error) {
    if (!queue) throw error;
    await queue.handler(event); // which the guide does without
  }
  return event;
}
