import { createNodeEngines } from "@surrealdb/node";
import { Surreal } from "surrealdb";
import { answer } from "./harness.mjs";

await answer(async ({ namespace, database }) => {
  const db = new Surreal({ engines: createNodeEngines() });
  await db.connect("mem://");
  const use = () => db.use({ namespace, database });
  await use();
  return {
    ask: async (query) => (await db.query(query)).at(-1),
    authenticate: (token) => db.authenticate(token),
    leave: () => db.invalidate().then(use),
  };
});
