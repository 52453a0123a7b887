"""The work behind the commands, without typer and rich's console; no trigger loads it."""
