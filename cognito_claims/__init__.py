"""Amazon Cognito triggers that put typed claims into tokens."""
