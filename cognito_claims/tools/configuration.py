"""The plugins that an environment configures."""

from collections.abc import Mapping

from cognito_claims.errors import PluginFailedError, SettingsError
from cognito_claims.registry import Configuration, PluginEntry, load
from cognito_claims.tools.errors import UnusableInput


def configured(environ: Mapping[str, str]) -> Configuration:
    """Load the plugins, or raise `UnusableInput` with a line for every wrong setting."""
    try:
        return loaded(environ)
    except SettingsError as error:
        raise UnusableInput(*map(str, error.problems)) from None


def loaded(environ: Mapping[str, str]) -> Configuration:
    """Load the plugins; what a foreign module or factory raises is `UnusableInput`, by class and place."""
    try:
        return load(environ)
    except PluginFailedError as error:
        raise UnusableInput(str(error)) from None


def offline(configuration: Configuration) -> dict[str, PluginEntry]:
    """Give the plugins, with `sample` in the place of each that has one: nothing is minted to be looked at."""
    return {name: marked.sampled() for name, marked in configuration.plugins.items()}
