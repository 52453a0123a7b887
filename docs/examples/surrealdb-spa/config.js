// The one file to change; index.html's Content-Security-Policy names the two hosts as well.
export const config = Object.freeze({
  cognito: "https://shop.auth.eu-central-1.amazoncognito.com",
  issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1Cd2Ef3",
  clientId: "1example23456789abcdefghij",
  surrealdb: "https://surrealdb.example.com",
  namespace: "shop",
  database: "main",
});
