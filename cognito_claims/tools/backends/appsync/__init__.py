"""AppSync and Amplify Data: claims that authorization rules read."""
