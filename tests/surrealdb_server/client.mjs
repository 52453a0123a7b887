// What SurrealDB's own JavaScript client gets with a user's token, before and after it expires.

import { readFileSync } from "node:fs";
import { RecordId, Surreal, Table } from "surrealdb";

const { url, namespace, database, token, other, ends } = JSON.parse(readFileSync(0, "utf8"));
const db = new Surreal();
await db.connect(url, { namespace, database });
await db.authenticate(token);

const emails = async () => (await db.query("SELECT VALUE email FROM user"))[0];
const answer = {
  access: (await db.query("RETURN $access"))[0],
  seen: await emails(),
  selected: (await db.select(new Table("user"))).map((row) => row.email),
  six: await Promise.all(Array.from({ length: 6 }, emails)),
  other: (await db.query("SELECT * FROM $other", { other: new RecordId("user", other) }))[0],
};
await new Promise((resolve) => setTimeout(resolve, ends * 1000 + 1000 - Date.now()));
answer.expired = await emails().catch((error) => `refused: ${error.message}`);
process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit(0));
