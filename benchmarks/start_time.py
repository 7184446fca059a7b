"""How long ``lokal --help`` and a recipe's help take, beside a bare Python start.

Run: python benchmarks/start_time.py
"""

import statistics
import subprocess
import sys
import time

_RUNS = 7
_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "lokal --help": ["-m", "lokal.recipes.main", "--help"],
    "lokal finetune --help": ["-m", "lokal.recipes.main", "finetune", "--help"],
    "lokal finetune trainig.lr=1": ["-m", "lokal.recipes.main", "finetune", "trainig.lr=1"],
    "import torch": ["-c", "import torch"],
}


def main() -> None:
    """Print median and worst of some runs for each command."""
    print(f"{'command':<30} {'median s':>9} {'worst s':>9}")
    for name, words in _COMMANDS.items():
        seconds = [_seconds(words) for _ in range(_RUNS)]
        print(f"{name:<30} {statistics.median(seconds):>9.2f} {max(seconds):>9.2f}")


def _seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], capture_output=True, check=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
