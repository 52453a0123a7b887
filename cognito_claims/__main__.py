"""The command `cognito-claims`, also `python -m cognito_claims`."""

import sys
from importlib import import_module


def main() -> None:
    """Run the command. If a module is missing, tell which extra to install."""
    try:
        import_module("cognito_claims.cli.app").run()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("cognito_claims"):
            raise
        sys.stderr.write(
            f"cognito-claims: the command needs {error.name}: pip install 'cognito-claims[cli]'\n"
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
