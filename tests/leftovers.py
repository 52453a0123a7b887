"""What a program leaves on this machine: processes that know a folder of files, and addresses they listen on."""

import socket
from pathlib import Path
from time import monotonic, sleep

_LISTENING = "0A"


def processes_with(folder: Path) -> list[int]:
    """Find the processes that have a path below the folder in their environment, this one aside."""
    return [int(each.name) for each in Path("/proc").glob("[0-9]*") if _names(each, folder)]


def listening(pids: list[int]) -> set[str]:
    """Give the addresses, in the kernel's hexadecimal, on which these processes take connections."""
    links = {_target(fd) for pid in pids for fd in Path(f"/proc/{pid}/fd").glob("*")}
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in _text(Path(f"/proc/net/{table}"))[1:]
    ]
    return {row[1] for row in rows if row[3] == _LISTENING and f"socket:[{row[9]}]" in links}


def nothing_left(folder: Path, port: int | None = None, seconds: float = 10) -> bool:
    """Wait for the last of a folder's files and processes to go, and for a port to be free."""
    give_up = monotonic() + seconds
    while processes_with(folder) or any(folder.iterdir()) or _is_taken(port):
        if monotonic() > give_up:
            return False
        sleep(0.02)
    return True


def _is_taken(port: int | None) -> bool:
    try:
        socket.create_server(("127.0.0.1", port or 0)).close()
    except OSError:
        return True
    return False


def _names(process: Path, folder: Path) -> bool:
    try:
        return f"={folder}/".encode() in (process / "environ").read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _text(path: Path) -> list[str]:
    return path.read_text().splitlines()
