// What is on the screen: signed out, or the form with the user's record.

import { readUser, saveUser } from "./database.js";
import { bearer, finishSignIn, forget, isSignedIn, signIn, signOut } from "./sign_in.js";

const element = (id) => document.getElementById(id);
const form = element("record");

function say(message, kind = "note") {
  element("message").textContent = message;
  element("message").dataset.kind = kind;
}

/** Show one of the two states, and put the focus where it begins. */
function show(id) {
  for (const each of ["signed-out", "signed-in"]) {
    element(each).hidden = each !== id;
  }
  element(id).querySelector("h2").focus();
}

function fill(user) {
  form.elements.email.value = user.email;
  form.elements.username.value = user.cognito_username;
  form.elements.displayName.value = user.display_name ?? "";
  form.elements.about.value = user.about ?? "";
}

function end(message, kind) {
  forget();
  form.reset();
  show("signed-out");
  say(message, kind);
}

/** Do something, and tell the person at the screen if it fails; their record stays while they may save. */
async function attempt(action) {
  document.body.setAttribute("aria-busy", "true");
  try {
    await action();
  } catch (error) {
    const close = element("signed-in").hidden || !isSignedIn();
    (close ? end : say)(error.message, "error");
  } finally {
    document.body.removeAttribute("aria-busy");
  }
}

async function open() {
  say("Signing in …");
  const ends = await finishSignIn();
  if (ends === null) {
    end("");
    return;
  }
  setTimeout(() => attempt(bearer), ends - Date.now() + 100); // by then it throws
  fill(await readUser());
  show("signed-in");
  say("You are signed in.");
}

async function save() {
  say("Saving …");
  const { displayName, about } = form.elements;
  fill(await saveUser({ displayName: displayName.value, about: about.value }));
  say("Saved.");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(save);
});
element("sign-in").addEventListener("click", () => attempt(signIn));
element("sign-out").addEventListener("click", () => {
  end("Signing out …"); // whoever comes back to this page by the browser's history finds it empty
  signOut();
});
attempt(open);
