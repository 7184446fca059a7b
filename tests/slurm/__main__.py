"""``python -m tests.slurm start|stop``: a SLURM of two nodes on this machine, for readers."""

import argparse
import sys
from pathlib import Path

from .cluster import Cluster, stop
from .packages import NoSlurmError, check_machine
from .settings import Settings


def main() -> int:
    """Start or stop it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.slurm", description=__doc__)
    parser.add_argument("what", choices=("start", "stop"))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/lokal-slurm"))
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--install", action="store_true", help="get missing packages with apt")
    words = parser.parse_args()
    if words.what == "stop":
        stop(words.folder)
        return 0
    try:
        check_machine(install=words.install)
        if (words.folder / "slurm.conf").exists():
            raise NoSlurmError(f"{words.folder} is in use: python -m tests.slurm stop")
        cluster = Cluster(Settings(folder=words.folder, nodes=words.nodes), outlives=True)
        cluster.start()
    except (NoSlurmError, ValueError) as error:
        print(f"no SLURM: {error}", file=sys.stderr)
        return 1
    print(f"SLURM is up. Use it: . {words.folder}/env.sh; stop it: python -m tests.slurm stop")
    return 0


if __name__ == "__main__":
    sys.exit(main())
