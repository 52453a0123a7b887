// What Hasura's guide does in Node, in our words: one claim, whose value is a text that holds JSON.
export const handler = async (event) => {
  const claims = {
    "x-hasura-user-id": event.request.userAttributes.sub,
    "x-hasura-default-role": "user",
    "x-hasura-allowed-roles": ["user"],
  };
  event.response = {
    claimsOverrideDetails: {
      claimsToAddOrOverride: { "https://hasura.io/jwt/claims": JSON.stringify(claims) },
    },
  };
  return event;
};
