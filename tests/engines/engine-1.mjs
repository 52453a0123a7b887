import { createRequire } from "node:module";
import { answer } from "./harness.mjs";

// The engine itself, without its wrapper surrealdb.node: that one names ten packages which the registry
// does not have, and `npm ci` refuses every lock file of it.
const { Surreal } = createRequire(import.meta.url)("surrealdb.node-linux-x64-gnu");

await answer(async ({ namespace, database }) => {
  const db = new Surreal();
  await db.connect("memory");
  const use = () => db.use({ ns: namespace, db: database });
  await use();
  return {
    ask: (query) => db.query(query),
    authenticate: (token) => db.authenticate(token),
    leave: () => db.invalidate().then(use),
  };
});
