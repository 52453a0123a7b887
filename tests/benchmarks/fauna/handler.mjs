// What Fauna's guide does in Node, in our words: one client for the process, and a query per sign-in that finds or creates
// the user's document and mints a token for it. Its text is the plugin's own, so that both ask for the same work.
import { Client, fql } from "fauna";

const { FAUNA_ENDPOINT, FAUNA_SECRET } = process.env;
const TTL_SECONDS = 1800;

const client = new Client({ endpoint: new URL(FAUNA_ENDPOINT), secret: await secretOf(FAUNA_SECRET) });

// Before the first event, as a careful team would, and with the SDK loaded only where there is something to fetch.
async function secretOf(setting) {
  if (!setting.startsWith("arn:")) return setting;
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const answer = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: setting }));
  return answer.SecretString;
}

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
