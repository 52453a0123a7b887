import { readFileSync } from "node:fs";

/**
 * Answer the cases on stdin, `[{namespace, database, script, questions, token, who, look, attempts}]`, with one
 * fresh engine each. The last line on stdout is the answers: `{faulty, told}` for a script that does not run, `{told, refused}` for a
 * token that is not taken, or `{told, said, planted, who, seen, after}`: what the bearer was told at each attempt,
 * and the rows before the bearer came, as the bearer sees them, and after.
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
  const told = [];
  const said = [];
  let faulty;
  await engine.ask(script).catch((error) => { faulty = String(error.message); });
  for (const question of questions) {
    told.push([await engine.ask(question)].flat()[0]); // 1.0.0 puts an object into a list
  }
  if (faulty) {
    return { faulty, told };
  }
  const planted = await engine.ask(look).catch(() => []); // 3.x may not know the table yet
  try {
    await engine.authenticate(token);
  } catch (error) {
    return { told, refused: String(error.message) };
  }
  const before = await engine.ask(who);
  const seen = await engine.ask(look);
  for (const attempt of attempts) {
    said.push(await engine.ask(attempt).then(text, (error) => String(error.message)));
  }
  const still = await engine.ask(who);
  await engine.leave();
  return { told, said, planted, who: [before, still], seen, after: await engine.ask(look) };
}

function text(result) {
  return JSON.stringify(result) ?? "";
}
