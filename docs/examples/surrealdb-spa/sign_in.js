// Signing in through Cognito's hosted UI: code grant with PKCE, `state` and `nonce` checked.

import { config } from "./config.js";

const PENDING = "sign-in";
const HERE = new URL(".", location.href).href; // the callback and sign-out URL of the app client

// The ID token is here and nowhere else: not in storage, not in the page. A reload forgets it.
let session = null;

/** Say whether somebody is signed in, with a token that will be good for a while yet. */
export function isSignedIn() {
  return session !== null && Date.now() < session.ends;
}

/** Give the ID token. */
export function bearer() {
  if (!isSignedIn()) {
    throw new Error("Your session has ended. Please sign in again.");
  }
  return session.token;
}

/** Forget the token. */
export function forget() {
  session = null;
}

/** Go to the hosted UI. What has to be compared afterwards waits in sessionStorage until then. */
export async function signIn() {
  const pending = { state: random(), nonce: random(), verifier: random() };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  go("/oauth2/authorize", {
    response_type: "code",
    client_id: config.clientId,
    redirect_uri: HERE,
    scope: "openid email",
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
}

/** Finish a sign-in if the hosted UI has opened this page; give the time the session ends, or null. */
export async function finishSignIn() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("code") && !answer.has("error")) {
    return null;
  }
  history.replaceState(null, "", HERE); // the code is worth nothing twice, and belongs in no history
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  if (pending === null || answer.get("state") !== pending.state) {
    throw new Error("This sign-in was not started here. Please sign in again.");
  }
  if (answer.has("error")) {
    const reason = answer.get("error_description") ?? answer.get("error");
    throw new Error(`Cognito did not sign you in: ${reason}`);
  }
  session = checked(await exchange(answer.get("code"), pending.verifier), pending.nonce);
  return session.ends;
}

/** Forget the token, and end the hosted UI's own session. */
export function signOut() {
  forget();
  go("/logout", { client_id: config.clientId, logout_uri: HERE });
}

/** Trade the code for tokens; the access and refresh tokens are not even looked at. */
async function exchange(code, verifier) {
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: config.clientId,
    redirect_uri: HERE,
    code,
    code_verifier: verifier,
  });
  const response = await fetch(`${config.cognito}/oauth2/token`, { method: "POST", body }).catch(
    () => null,
  );
  if (!response?.ok) {
    throw new Error("Cognito gave no token. Please sign in again.");
  }
  return (await response.json()).id_token;
}

/** Check what OpenID Connect asks of a client; the signature is SurrealDB's to check. */
function checked(token, nonce) {
  const { aud, exp, iss, ...claims } = payload(token);
  if (claims.nonce !== nonce || iss !== config.issuer || aud !== config.clientId) {
    throw new Error("The token is not the one asked for. Please sign in again.");
  }
  return { token, ends: (exp - 30) * 1000 }; // before SurrealDB's clock says so
}

function payload(token) {
  const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function go(path, parameters) {
  location.assign(`${config.cognito}${path}?${new URLSearchParams(parameters)}`);
}
