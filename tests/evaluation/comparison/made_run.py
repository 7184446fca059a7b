"""A run whose items and replies are written by hand, to be compared by the real recipe."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml
from lokal.data.manifest import Json, read_manifest, write_manifest
from lokal.evaluation.generations import part_name
from lokal.evaluation.reply import LabelScores, Reply, State, to_lines
from lokal.recipes.compare import compare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GATES = ["target_quality", "forgetting", "contamination"]


class MadeRun:
    """Suites, items and replies below one folder; ``name`` of the run is ``x``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items = folder / "items"
        self.root = folder / "runs"

    def suite(self, name: str, rows: Mapping[str, Sequence[dict]], **values: object) -> None:
        """Write a suite's YAML and its items by language."""
        content = {
            "name": name,
            "items": {"test": f"items:{name}/{{region}}.jsonl"},
            "licence": "CC0",
            "source": "here",
            **values,
        }
        place = self.folder / "configs/suite"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        for language, several in rows.items():
            path = self.items / name / f"{language}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in several]
            path.write_text("".join(lines), encoding="utf-8")

    def choice(self, name: str, members: Sequence[str]) -> None:
        """Write a choice of suites, all with all their items."""
        path = self.folder / f"configs/suite/{name}.yaml"
        values = {"name": name, "members": dict.fromkeys(members, 0)}
        path.write_text(yaml.safe_dump(values), encoding="utf-8")

    def replies(
        self,
        system: str,
        suite: str,
        language: str,
        said: Mapping[str, str | State],
        *,
        facts: Mapping[str, Json] | None = None,
    ) -> None:
        """Write a system's replies by item id; a state stands for a reply that is none."""
        rows = [
            Reply(
                **_known(item_id, suite, language, system),
                reply="" if isinstance(text, State) else text,
                state=text if isinstance(text, State) else State.ok,
            )
            for item_id, text in said.items()
        ]
        self._finish(system, suite, language, ".jsonl", to_lines(rows), facts)

    def likelihoods(
        self, system: str, suite: str, language: str, scores: Mapping[str, Mapping[str, float]]
    ) -> None:
        """Write log-likelihoods of choices by item id."""
        rows = [
            LabelScores(
                **_known(item_id, suite, language, system),
                label=dict(of),
                label_and_end=dict(of),
            )
            for item_id, of in scores.items()
        ]
        self._finish(system, suite, language, ".loglikelihood.jsonl", to_lines(rows), None)

    def _finish(
        self,
        system: str,
        suite: str,
        language: str,
        ending: str,
        text: str,
        facts: Mapping[str, Json] | None,
    ) -> None:
        folder = self.root / "x/generations" / system
        folder.mkdir(parents=True, exist_ok=True)
        part = part_name(suite, split="test", language=language)
        (folder / f"{part}{ending}").write_text(text, encoding="utf-8")
        old = read_manifest(folder)
        inputs = {Path(record.path) for record in old.inputs} if old else set()
        write_manifest(
            folder,
            recipe="evaluate",
            key=system,
            config={"system": system, "kind": "checkpoint", "label": system, **(facts or {})},
            inputs=sorted({*inputs, self.items / suite / f"{language}.jsonl"}),
            parts={**(old.parts if old else {}), part: part},
            started_at=NOW,
            finished_at=NOW,
        )

    def corpus(self, language: str, rows: Sequence[dict]) -> Path:
        """Write a finished corpus folder with these training rows."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = self.folder / "corpus" / language
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(list(rows)), folder / "train-00000.parquet")
        write_manifest(
            folder, recipe="prepare", key="k", config={}, inputs=[], started_at=NOW, finished_at=NOW
        )
        return folder

    def compare(self, *words: str, gates: Sequence[str] = GATES) -> int:
        """Run ``lokal compare``; return its exit code."""
        return compare.main(
            [
                "--config-dir",
                str(self.folder / "configs"),
                f"root={self.root}",
                f"items_root={self.items}",
                "name=x",
                "baselines=[]",
                "statistics.resamples=200",
                "statistics.corpus_resamples=100",
                f"gates.gates=[{','.join(gates)}]",
                *words,
            ]
        )

    def report(self, name: str) -> str:
        """Return a file of the report."""
        return (self.root / "x/report" / name).read_text(encoding="utf-8")

    def region(self, code: str) -> dict:
        """Return a region's figures."""
        return json.loads(self.report("results.json"))["regions"][code]

    def verdict(self) -> dict:
        """Return ``verdict.json``."""
        return json.loads(self.report("verdict.json"))


def _known(item_id: str, suite: str, language: str, system: str) -> dict:
    return {
        "id": item_id,
        "language": language,
        "suite": suite,
        "split": "test",
        "system": system,
        "prompt_sha256": "0" * 64,
    }
