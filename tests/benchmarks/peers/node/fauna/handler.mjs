// What Fauna's guide does in Node, in our words: one client for the process, and a query per sign-in that finds or creates
// the user's document and mints a token for it. Its text is the plugin's own, so that both ask for the same work.
import { Client, fql } from "fauna";

const { FAUNA_ENDPOINT, FAUNA_SECRET } = process.env;
const TTL_SECONDS = 1800;

// Before the first event, as a careful team would.
const secret = FAUNA_SECRET.startsWith("arn:") ? await (await import("./secret.mjs")).fetched(FAUNA_SECRET) : FAUNA_SECRET;
const client = new Client({ endpoint: new URL(FAUNA_ENDPOINT), secret });

export async function handler(event) {
  const { email } = event.request.userAttributes;
  const { data } = await client.query(fql`let user = Customer.byEmail(${email}).first() ?? Customer.create({ email: ${email} })
let token = Token.create({ document: user, ttl: Time.now().add(${TTL_SECONDS}, "seconds") })
{ userId: user.id, token: token.secret!, expires: token.ttl! }`);
  event.response.claimsOverrideDetails = {
    claimsToAddOrOverride: { fauna_token_secret: data.token, userId: data.userId },
    claimsToSuppress: ["email"],
  };
  return event;
}
