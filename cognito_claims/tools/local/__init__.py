"""Servers on this machine: Cognito behind its gate, and child processes."""
