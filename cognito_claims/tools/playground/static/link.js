// A state in a URL's fragment, which no browser sends to a server: base64url of JSON.

const PREFIX = "#state=";

export function fragmentOf(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const encoded = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return PREFIX + encoded;
}

/** Give the state of a fragment, null where there is none, undefined where it is broken. */
export function stateOf(fragment) {
  if (!fragment.startsWith(PREFIX)) return null;
  try {
    const encoded = fragment.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    const { event, settings } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof event === "string" && typeof settings === "string" ? { event, settings } : undefined;
  } catch {
    return undefined;
  }
}
