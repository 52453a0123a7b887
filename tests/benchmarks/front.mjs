// TLS with HTTP/2 (for npm's driver, which speaks nothing else) and HTTP/1.1 (for ours) before a plain server on loopback:
// `node front.mjs certificate.pem http://127.0.0.1:PORT`. Prints its own port, and ends with its standard input.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createSecureServer } from "node:http2";

const [certificate, upstream] = process.argv.slice(2);
const pem = readFileSync(certificate);
const agent = new Agent({ keepAlive: true });
const OF_A_CONNECTION = new Set(["connection", "keep-alive", "transfer-encoding"]);

const passedOn = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":") && !OF_A_CONNECTION.has(name)));

async function bodyOf(message) {
  const parts = [];
  for await (const part of message) parts.push(part);
  return Buffer.concat(parts);
}

// The stand-in insists on a content type and on arguments; npm's driver sends neither.
const completed = (headers, body) => [
  { "content-type": "application/json;charset=utf-8", ...headers },
  Buffer.from(JSON.stringify({ arguments: {}, ...JSON.parse(body) })),
];

const server = createSecureServer({ allowHTTP1: true, cert: pem, key: pem }, async (incoming, outgoing) => {
  const asIs = [passedOn(incoming.headers), await bodyOf(incoming)];
  const [headers, body] = incoming.httpVersionMajor === 2 ? completed(...asIs) : asIs;
  headers["content-length"] = body.length; // which HTTP/2 does without
  const sent = request(new URL(incoming.url, upstream), { agent, headers, method: incoming.method });
  sent.on("response", async (answer) => {
    const content = await bodyOf(answer);
    outgoing.writeHead(answer.statusCode, { ...passedOn(answer.headers), "content-length": content.length });
    outgoing.end(content);
  });
  sent.on("error", () => outgoing.writeHead(502).end());
  sent.end(body);
});

server.on("connection", (socket) => socket.setNoDelay());
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit());
