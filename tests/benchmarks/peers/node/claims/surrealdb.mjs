// What SurrealDB's guide does in Node, in our words: four claims of SurrealDB's into the ID token.
export const handler = async (event) => {
  event.response = {
    claimsOverrideDetails: {
      claimsToAddOrOverride: { ns: "shop", db: "main", sc: "user", tk: "cognito" },
    },
  };
  return event;
};
