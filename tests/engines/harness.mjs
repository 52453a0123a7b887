import { readFileSync } from "node:fs";

/**
 * Answer the cases on stdin, `[{namespace, database, script, questions, token, who, look, attempts}]`, with one
 * fresh engine each. The last line on stdout is the answers: `{faulty, told}` for a script that does not run, `{told, refused}` for a
 * token that is not taken, or `{told, who, seen, after}`.
 *
 * An embedded engine has authentication off, and a client may drop a session on its own (3.x does at
 * the token's `exp`), so `who` is asked before and after what the bearer does.
 */
export async function answer(open) {
  const answers = [];
  for (const each of JSON.parse(readFileSync(0, "utf8"))) {
    answers.push(await judge(await open(each), each));
  }
  // 1.0.0 would keep the process alive
  process.stdout.write(`\n${JSON.stringify(answers)}\n`, () => process.exit(0));
}

async function judge(engine, { script, questions, token, who, look, attempts }) {
  let faulty;
  await engine.ask(script).catch((error) => { faulty = String(error.message); });
  const told = [];
  for (const question of questions) {
    told.push([await engine.ask(question)].flat()[0]); // 1.0.0 puts an object into a list
  }
  if (faulty) {
    return { faulty, told };
  }
  try {
    await engine.authenticate(token);
  } catch (error) {
    return { told, refused: String(error.message) };
  }
  const before = await engine.ask(who);
  const seen = await engine.ask(look);
  for (const attempt of attempts) {
    await engine.ask(attempt).catch(() => {}); // what came of it is looked at below
  }
  const still = await engine.ask(who);
  await engine.leave();
  return { told, who: [before, still], seen, after: await engine.ask(look) };
}
