"""``python -m tests.vendors``: the loopback server by hand, until it is interrupted."""

import argparse
from contextlib import suppress
from pathlib import Path

from .faults import Schedule
from .server import PATHS, VendorServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.vendors", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--faults", type=Path, help="JSON list of rules (tests/vendors/faults.py)")
    parser.add_argument("--counts", type=Path, help="keeps the counts from one start to the next")
    parser.add_argument("--models", help="names that are served, with commas; without: any")
    parser.add_argument("--polls", type=int, default=1, help="looks at a batch until it has ended")
    args = parser.parse_args()
    server = VendorServer(
        Schedule.read(args.faults).rules if args.faults else None,
        models=args.models.split(",") if args.models else None,
        polls=args.polls,
        counts_file=args.counts,
        port=args.port,
    )
    print(server.address, flush=True)
    for vendor in PATHS:
        print(f"baseline={vendor} baseline.base_url={server.url(vendor)}", flush=True)
    with suppress(KeyboardInterrupt):
        server.serve()


if __name__ == "__main__":
    main()
