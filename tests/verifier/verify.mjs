// Verifies tokens with aws-jwt-verify: one line of JSON in, one verdict each out.
import { readFileSync } from "node:fs";
import { CognitoJwtVerifier } from "aws-jwt-verify";

const { userPoolId, clientId, jwks, requests } = JSON.parse(readFileSync(0, "utf8"));
const answers = [];
for (const { token, tokenUse, scope } of requests) {
  const verifier = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse, scope });
  verifier.cacheJwks(jwks);
  try {
    answers.push((await verifier.verify(token)).sub);
  } catch (error) {
    answers.push(error.constructor.name);
  }
}
console.log(JSON.stringify(answers));
