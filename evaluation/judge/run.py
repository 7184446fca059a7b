"""Judges the finished replies of a run, and writes rows, summary and table; the manifest last."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...data.config import as_json
from ...data.manifest import Json, read_manifest, write_json, write_manifest
from .asking import Judge
from .golden import Drift, measure_drift, read_golden
from .judged_rows import Judged
from .panel_pairwise import panel_pairwise
from .panel_rubric import panel_rubric
from .parts import JudgedPart
from .settings import JudgeConfig, JudgeMode
from .table import text_table

SUMMARY = "summary.json"
TABLE = "table.txt"


def judge_parts(
    config: JudgeConfig, judges: Sequence[Judge], parts: Sequence[JudgedPart], *, now: datetime
) -> Judged:
    """Return what the panel says of the replies; golden pairs come first, since they may end it.

    Raises:
        RunError: a judge has drifted, or could not be asked to the end.
    """
    drifts = _drifts(config, judges, now)
    panel = panel_pairwise if config.mode is JudgeMode.pairwise else panel_rubric
    made = panel(config, judges, parts)
    languages = made.summary.pop("judged")
    assert isinstance(languages, dict)
    about: dict[str, Json] = {
        "mode": config.mode.name,
        "suite": config.suite.name,
        "split": config.split,
        "systems": list[Json](config.systems),
        "languages": list[Json](config.languages),
        "seed": config.seed,
        "confidence": config.confidence,
        "judges": {
            judge.name: {
                **_describe_judge(judge, drifts.get(judge.name)),
                "languages": languages[judge.name],
            }
            for judge in judges
        },
    }
    return made._replace(summary=about | made.summary)


def write_judged(config: JudgeConfig, judged: Judged, *, key: str, started_at: datetime) -> None:
    """Make the folder beside its place, then move it there."""
    folder = config.folder
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, rows in judged.rows.items():
        lines = (json.dumps(row.to_json(), ensure_ascii=False) for row in rows)
        text = "".join(f"{line}\n" for line in lines)
        (temporary / f"{name}.jsonl").write_text(text, encoding="utf-8")
    write_json(temporary / SUMMARY, judged.summary)
    (temporary / TABLE).write_text(text_table(judged.summary), encoding="utf-8")
    manifests = [read_manifest(path) for path in config.inputs if path.is_dir()]
    write_manifest(
        temporary,
        recipe="judge",
        key=key,
        config=as_json(config),
        inputs=config.inputs,
        counts={name: len(rows) for name, rows in judged.rows.items()},
        licences=[name for manifest in manifests if manifest for name in manifest.licences],
        seeds={"judge": config.seed},
        started_at=started_at,
        finished_at=datetime.now(UTC),
    )
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def _drifts(config: JudgeConfig, judges: Sequence[Judge], now: datetime) -> dict[str, Drift]:
    if config.golden is None:
        return {}
    source = Path(config.golden).resolve()
    golden = read_golden(source)
    return {
        judge.name: measure_drift(
            judge,
            golden,
            source=source,
            memory=config.memory_folder,
            seed=config.seed,
            max_tokens=config.max_tokens,
            run=config.name,
            now=now,
        )
        for judge in judges
    }


def _describe_judge(judge: Judge, drift: Drift | None) -> dict[str, Json]:
    return {
        "label": judge.label,
        "vendors": list[Json](sorted(judge.vendors)),
        "is_local": judge.is_local,
        "identity": dict(judge.identity),
        "unused": judge.unused,
        "drift": None if drift is None else dict[str, Json](drift._asdict()),
    }
