"""The command line: tools of a developer and a deployer, never loaded by a trigger."""
