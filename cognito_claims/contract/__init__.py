"""What Cognito and the backends make of a response; shares no code with the trigger side."""
