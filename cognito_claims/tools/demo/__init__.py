"""`demo`: a local Cognito with the real trigger function, and what each backend makes of its tokens."""
