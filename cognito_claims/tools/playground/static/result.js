// Shows what came of a state. Users write attributes: every value goes in as text, never as HTML.

const NUMBER = new Intl.NumberFormat("en");
const LACKING = "\u2014"; // where a token has no such claim
const CHANGE = ["Claim", "Before", "After"];
const KEPT = ["Claim", "Before and after"];
const SESSION = ["Variable", "Value"];
const VERSIONS = ["Version", "Answer", "Says"];
// Said outright: on a narrow screen the tables are laid out as blocks, and some browsers then forget what they are.
const ROLES = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell" };

let marks = { cookie: 0, header: 0 };

/** Fill in both tokens' places, once; later answers change what stands there, so that an open part stays open. */
export function prepare(given) {
  marks = given;
  for (const place of ["id-token", "access-token"]) {
    const section = document.getElementById(place);
    section.append(document.getElementById("token").content.cloneNode(true));
    const gauge = section.querySelector(".gauge");
    gauge.setAttribute("aria-label", `Size of the ${nameOf(place)}`);
    gauge.setAttribute("aria-valuemax", marks.header);
    section.querySelector(".cookie").textContent = `${NUMBER.format(marks.cookie)} one cookie`;
    section.querySelector(".header").textContent = `${NUMBER.format(marks.header)} many headers`;
  }
}

export function show(answer) {
  const { preview, changes } = answer;
  setText("outcome", outcome(preview, changes));
  document.getElementById("outcome").dataset.level = levelOf(preview);
  showFindings(preview.findings);
  showVerdicts(preview);
  showToken("id-token", preview, preview.id_token, changes.id_token);
  showToken("access-token", preview, preview.access_token, changes.access_token);
  setText("response", preview.response === null ? "None: the sign-in is refused." : answer.response);
}

function outcome(preview, changes) {
  if (preview.response === null) return "The sign-in is refused: no tokens.";
  if (preview.access_token === null) return "Cognito would not take this response: no tokens.";
  const tokens = `ID token ${tally(changes.id_token)}, access token ${tally(changes.access_token)}.`;
  const verdicts = Object.entries(preview.verdicts).map(
    ([name, verdict]) => `${name} ${verdict.accepted ? "accepts" : "refuses"}`,
  );
  return `Tokens are issued: ${tokens}${verdicts.length > 0 ? ` Verdicts: ${verdicts.join(", ")}.` : ""}`;
}

function tally(changes) {
  if (changes === null) return "(none)";
  const counts = ["added", "changed", "suppressed"]
    .map((mark) => [changes.filter((change) => change.mark === mark).length, mark])
    .filter(([count]) => count > 0);
  const told = counts.map(([count, mark]) => `${count} ${mark}`).join(", ");
  return told ? `(${told})` : "(unchanged)";
}

function levelOf(preview) {
  if (preview.findings.some((finding) => finding.level === "error")) return "error";
  return preview.findings.length > 0 ? "warning" : "fine";
}

function showFindings(findings) {
  const items = findings.map((finding) => {
    const level = element("strong", finding.level, finding.level);
    return element("li", "", level, ` ${finding.message} `, element("code", "", finding.code));
  });
  replace("findings", items.length > 0 ? items : [element("li", "none", "None.")]);
}

function showVerdicts(preview) {
  const parts = Object.entries(preview.verdicts).flatMap(([name, verdict]) => [
    verdictLine(name, verdict),
    ...(verdict.session ? [sessionTable(name, verdict.session)] : []),
    ...(verdict.versions ? [versionsTable(name, verdict.versions)] : []),
    ...[...(verdict.notes ?? []), verdict.source].filter(Boolean).map((told) => element("p", "verdict", told)),
    ...(verdict.foreign_client ? [element("p", "verdict", verdict.foreign_client.message)] : []),
  ]);
  const none = preview.access_token === null ? "None without tokens." : "None: no plugin here has a backend to ask.";
  replace("verdicts", parts.length > 0 ? parts : [element("p", "none", none)]);
}

function verdictLine(name, verdict) {
  const answer = verdict.accepted
    ? element("strong", "accepted", "accepted")
    : element("strong", "error", "refused");
  const token = verdict.token ? ` (${verdict.token === "id" ? "ID" : "access"} token)` : "";
  const reason = verdict.accepted ? [] : [`: ${verdict.message} `, element("code", "", verdict.code)];
  return element("p", "verdict", element("b", "", name), " ", answer, token, ...reason);
}

function sessionTable(name, session) {
  const rows = Object.entries(session).map((pair) => row(pair, SESSION));
  return table(`Session of ${name}`, SESSION, rows);
}

function versionsTable(name, versions) {
  const rows = Object.entries(versions).map(([version, answer]) => {
    const source = [answer.source, answer.engine].filter(Boolean).join(" ");
    return row([version, said(answer), `the ${source}`], VERSIONS);
  });
  const made = table(`Versions of ${name}`, VERSIONS, rows);
  made.className = "versions";
  return made;
}

function said(answer) {
  if (!answer.accepted) return `refused: ${answer.message}`;
  const known = ["auth", "access", "scope"].filter((key) => key in answer);
  return ["accepted", ...known.map((key) => `${key} ${answer[key]}`)].join(", ");
}

function showToken(place, preview, token, changes) {
  const section = document.getElementById(place);
  for (const part of section.querySelectorAll(".size, .changes, details")) part.hidden = token === null;
  const why = preview.access_token === null ? "None: no tokens are issued." : "None with client credentials.";
  section.querySelector(".no-token").textContent = token === null ? why : "";
  if (token === null) return;
  showSize(section, place, token.bytes);
  const made = changes.filter((change) => change.mark !== "unchanged");
  const kept = changes.filter((change) => change.mark === "unchanged");
  const changed = table(`Changes to the ${nameOf(place)}`, CHANGE, made.map(changeRow));
  section.querySelector(".changes").replaceChildren(...(made.length > 0 ? [changed] : []));
  const summary = made.length === 0 ? `All ${kept.length} claims unchanged` : `${kept.length} claims unchanged`;
  section.querySelector("summary").textContent = summary;
  const rows = kept.map(({ claim, before }) => row([claim, before], KEPT));
  const unchanged = table(`Unchanged claims of the ${nameOf(place)}`, KEPT, rows);
  section.querySelector(".unchanged").replaceChildren(unchanged);
}

function showSize(section, place, bytes) {
  const over = bytes > marks.header ? "header" : bytes > marks.cookie ? "cookie" : "";
  const told = { header: "more than many headers take", cookie: "more than one cookie takes" }[over];
  const text = `${NUMBER.format(bytes)} bytes signed${told ? `, ${told}` : ""}`;
  const gauge = section.querySelector(".gauge");
  section.querySelector(".bytes").textContent = text;
  gauge.setAttribute("aria-valuenow", Math.min(bytes, marks.header));
  gauge.setAttribute(
    "aria-valuetext",
    `${text}; one cookie takes ${NUMBER.format(marks.cookie)}, many headers take ${NUMBER.format(marks.header)}`,
  );
  gauge.dataset.over = over;
  gauge.querySelector(".fill").style.width = `${Math.min(100, (100 * bytes) / marks.header)}%`;
  gauge.querySelector(".mark").style.left = `${(100 * marks.cookie) / marks.header}%`;
}

function changeRow({ mark, claim, before, after }) {
  const made = row([claim, before ?? LACKING, after ?? LACKING], CHANGE);
  made.firstChild.append(" ", element("span", `change ${mark}`, mark));
  return made;
}

function table(caption, columns, rows) {
  const head = element("tr", "", ...columns.map((column) => headerCell(column, "col")));
  const parts = [element("caption", "", caption), element("thead", "", head), element("tbody", "", ...rows)];
  return element("table", "", ...parts);
}

function row([name, ...values], [, ...columns]) {
  const cells = values.map((value) => element("td", "", value));
  cells.forEach((cell, index) => (cell.dataset.column = columns[index]));
  return element("tr", "", headerCell(name, "row"), ...cells);
}

function headerCell(text, scope) {
  const made = element("th", "", text);
  made.scope = scope;
  made.setAttribute("role", scope === "col" ? "columnheader" : "rowheader");
  return made;
}

function element(name, className, ...content) {
  const made = document.createElement(name);
  made.className = className;
  if (name in ROLES) made.setAttribute("role", ROLES[name]);
  made.append(...content);
  return made;
}

function nameOf(place) {
  return place === "id-token" ? "ID token" : "access token";
}

function replace(id, parts) {
  document.getElementById(id).replaceChildren(...parts);
}

function setText(id, text) {
  const place = document.getElementById(id);
  if (place.textContent !== text) place.textContent = text;
}
