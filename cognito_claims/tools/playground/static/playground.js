// The page's state: what is typed is answered by the server, and an answer is shown only while it is true.

import { fragmentOf, stateOf } from "./link.js";
import { prepare, show } from "./result.js";

const PAUSE_MS = 150;
const $ = (id) => document.getElementById(id);

let events = {}; // the recorded ones' texts by name
let latest = null; // what the server said of the state on the page, null while it has not
let asking = null;
let timer = 0;
let runsOwn = false; // whether a state may run plugins of one's own, which may call somebody

const isWaiting = () => !$("link-waiting").hidden;
const recordedName = () => Object.keys(events).find((name) => events[name] === $("event").value) ?? "";
const state = () => ({ event: recordedName() || $("event").value, settings: $("settings").value });

async function begin() {
  const response = await fetch("beginning").catch(() => null);
  if (!response?.ok) return tellOfPage("The playground does not answer. Is the command still running?");
  const beginning = await response.json();
  events = beginning.events;
  runsOwn = beginning.runs_own;
  $("recorded").append(...Object.keys(events).map((name) => new Option(name, name)));
  prepare(beginning.marks);
  put(beginning.state);
  readLink();
  evaluate();
}

function put({ event, settings }) {
  $("event").value = Object.hasOwn(events, event) ? events[event] : event;
  $("settings").value = settings;
  $("recorded").value = recordedName();
}

function readLink() {
  const linked = stateOf(location.hash);
  if (linked) {
    put(linked);
    $("link-waiting").hidden = !runsOwn;
  }
  tell("link-problem", linked === undefined ? "This link is broken, or cut short: here is the page without it." : "");
}

function changed() {
  $("recorded").value = recordedName();
  // What the address says is not on the page any more.
  if (location.hash) history.replaceState(null, "", location.pathname);
  tell("link-problem", "");
  outdate();
  timer = setTimeout(evaluate, PAUSE_MS);
}

function outdate() {
  clearTimeout(timer);
  asking?.abort();
  latest = null;
  forgetHandedOn();
  freshness("checking");
}

async function evaluate() {
  const answer = await ask("answer");
  if (answer === null) return;
  latest = answer;
  show(answer);
  note(answer.settings);
  freshness("current");
}

/** Ask about the state on the page; null when it has changed meanwhile, cannot be used, or gets no answer. */
async function ask(what) {
  clearTimeout(timer);
  asking?.abort();
  if (isWaiting()) {
    freshness("waiting");
    return null;
  }
  const mine = (asking = new AbortController());
  try {
    const response = await fetch(what, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(state()),
      signal: mine.signal,
    });
    const text = await response.text();
    if (mine !== asking) return null;
    tellOfPage(response.ok ? "" : `The playground could not do this: ${text.trim()} (HTTP ${response.status})`);
    const answer = response.ok ? JSON.parse(text) : { unusable: null };
    showProblems(answer.unusable);
    if (answer.unusable === undefined) return answer;
  } catch {
    if (mine !== asking) return null;
    tellOfPage("The playground does not answer. Is the command still running?");
  }
  freshness("old");
  return null;
}

function showProblems(unusable) {
  for (const input of ["event", "settings"]) {
    const lines = unusable?.input === input ? unusable.lines : [];
    tell(`${input}-problem`, lines.join("\n"));
    $(input).setAttribute("aria-invalid", String(lines.length > 0));
  }
}

function note({ unread }) {
  const told = `Not read from here: ${unread.join(", ")}. What is no setting of this library comes from the environment that the playground was started with.`;
  tell("settings-note", unread.length > 0 ? told : "");
}

function freshness(of) {
  const texts = { current: "", checking: "checking\u2026", waiting: "not run yet", old: "of the last input that could be used" };
  $("results").dataset.freshness = of;
  $("results").setAttribute("aria-busy", String(of === "checking"));
  $("freshness").textContent = texts[of];
}

function forgetHandedOn() {
  for (const id of ["link-made", "test-made"]) $(id).hidden = true;
  tell("hand-on-status", "");
}

async function makeLink() {
  if (latest === null) await evaluate();
  if (latest === null) return tell("hand-on-status", `No link: ${needed()} first.`);
  const { open, secret, unread } = latest.settings;
  const { event } = state();
  const link = location.origin + location.pathname + fragmentOf({ event, settings: open });
  const notes = [
    Object.hasOwn(events, event) ? "" : "The link holds the whole event, its user's attributes included.",
    secret.length > 0 ? `Secrets are not in the link: ${secret.join(", ")}.` : "",
    unread.length > 0 ? `Left out, being no known setting: ${unread.join(", ")}.` : "",
  ];
  $("link").value = link;
  $("link-made").hidden = false;
  tell("link-note", notes.filter(Boolean).join(" "));
  await copy(link, "link", "The link");
}

async function makeTest() {
  const answer = await ask("export");
  if (answer === null) return tell("hand-on-status", `No test: ${needed()} first.`);
  if (latest === null) evaluate();
  URL.revokeObjectURL($("save-test").href);
  $("test").value = answer.test;
  $("save-test").href = URL.createObjectURL(new Blob([answer.test], { type: "text/x-python" }));
  $("test-made").hidden = false;
  tell("hand-on-status", "The test is below.");
}

const needed = () => (isWaiting() ? "run it" : "mend the input");

async function copy(text, field, name) {
  try {
    await navigator.clipboard.writeText(text);
    tell("hand-on-status", `${name} is copied.`);
  } catch {
    $(field).focus();
    $(field).select();
    tell("hand-on-status", `${name} is selected: copy it.`);
  }
}

function tell(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function tellOfPage(text) {
  tell("page-problem", text);
}

$("recorded").addEventListener("change", () => {
  $("event").value = events[$("recorded").value] ?? $("event").value;
  changed();
});
$("event").addEventListener("input", changed);
$("settings").addEventListener("input", changed);
$("make-link").addEventListener("click", makeLink);
$("make-test").addEventListener("click", makeTest);
$("run-link").addEventListener("click", () => {
  $("link-waiting").hidden = true;
  freshness("checking");
  evaluate();
});
$("copy-test").addEventListener("click", () => copy($("test").value, "test", "The test"));
addEventListener("hashchange", () => {
  outdate();
  readLink();
  evaluate();
});
begin();
