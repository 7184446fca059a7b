"""A recipe's command line: good settings reach it, wrong ones end in one line and code 2."""

import errno
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore
from lokal.data.config_files import CONFIG_FOLDER_VARIABLE
from lokal.data.errors import ExitCode, RunError, UserError
from lokal.data.region import Region
from lokal.recipes.entry import recipe


class Pace(Enum):
    slow = "slow"
    fast = "fast"


@dataclass(kw_only=True, slots=True)
class TrainingPart:
    lr: float = 0.001
    steps: int = 10
    pace: Pace = Pace.slow
    shares: dict[str, float] = field(default_factory=dict)
    note: str | None = None

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise ValueError(f"training.lr must be above 0, got {self.lr}")


@dataclass(kw_only=True, slots=True)
class ToyConfig:
    name: str
    overwrite: bool = False
    region: Region
    regions: list[str] = field(default_factory=list)
    training: TrainingPart = field(default_factory=TrainingPart)


ConfigStore.instance().store(
    name="toy",
    node={
        "defaults": ["toy_schema", {"region": "id"}, {"experiment": None}, "_self_"],
        "name": "run-${region.code}",
    },
)
seen: list[ToyConfig] = []
raised: list[BaseException] = []


@recipe(ToyConfig, examples=("lokal toy region=hi", "lokal toy training.lr=0.1", "lokal toy"))
def toy(config: ToyConfig) -> ExitCode | None:
    """Do nothing, well."""
    seen.append(config)
    if raised:
        raise raised[0]
    return ExitCode.INCONCLUSIVE if config.name == "doubtful" else None


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(CONFIG_FOLDER_VARIABLE, "")  # --config-dir sets it: undone after the test
    seen.clear()
    raised.clear()
    yield
    raised.clear()


@pytest.fixture
def own_configs(tmp_path: Path) -> Path:
    for group, name, text in [
        ("experiment", "good", "# @package _global_\ntraining:\n  lr: 0.5\n"),
        ("experiment", "typo", "# @package _global_\ntraining:\n  stesp: 5\n"),
        ("experiment", "broken", "# @package _global_\ntraining:\n  lr: [1\n"),
        ("region", "id", "code: id\nname: Mine\nnative_name: Mine\n"),
    ]:
        (tmp_path / group).mkdir(exist_ok=True)
        (tmp_path / group / f"{name}.yaml").write_text(text)
    return tmp_path


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0].removeprefix("lokal toy: ")


def test_settings_reach_the_recipe_as_plain_objects() -> None:
    words = ["region=hi", "training.pace=fast", "regions=[id,tl]", "+training.shares.hi=1"]
    assert toy.main(words) == 0
    config = seen[0]
    assert type(config.regions) is list
    assert config.regions == ["id", "tl"]
    assert config.training.pace is Pace.fast
    assert config.training.shares == {"hi": 1.0}
    assert config.region.native_name == "हिन्दी"
    assert config.name == "run-hi"
    json.dumps(config.training.shares)


def test_the_recipes_own_exit_code_comes_back() -> None:
    assert toy.main(["name=doubtful"]) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trainig.lr=1"], "unknown key 'trainig.lr': did you mean 'training.lr'?"),
        (["training.stesp=1"], "unknown key 'training.stesp': did you mean 'training.steps'?"),
        (["regoin=id"], "unknown key 'regoin': did you mean 'region'?"),
        (["+x=1"], "unknown key 'x'; see --help"),
        (["++training.lrr=1"], "unknown key 'training.lrr': did you mean 'training.lr'?"),
        (["model=big"], "unknown key 'model'; see --help"),
        (["training.lr=abc"], "training.lr: Value 'abc' of type 'str' could not be converted"),
        (["training.steps=1.5"], "training.steps: Value '1.5' of type 'float' could not be"),
        (
            ["training.pace=fats"],
            "training.pace: Invalid value 'fats', expected one of [slow, fast",
        ),
        (["overwrite=maybe"], "overwrite: Value 'maybe' is not a valid bool"),
        (["regions=id"], "regions is a list: write regions=[one,two]"),
        (["regions=id,hi"], "regions takes one value; for a list write regions=[id,hi]"),
        (["training.lr=-1"], "training.lr must be above 0, got -1.0"),
        (["region=idd"], "region=idd: no such choice: did you mean 'id'?"),
        (["region=zz"], "region=zz: no such choice: choose one of en, hi, id, tl"),
        (["region=[id,hi]"], "region takes one choice, got '[id,hi]'"),
        (["region=null"], "region takes one choice, got 'null'"),
        (["experiment=nope"], "experiment=nope: no such choice"),
        (["name=???"], "name has no value: give name=..."),
        (["name=null"], "name: field 'name' is not Optional"),
        (["name=${region.nope}"], "name: Interpolation key 'region.nope' not found"),
        (["name=${oc.env:NOT_SET_HERE}"], "name: KeyError raised while resolving interpolation"),
        (["training.note=it's"], "cannot read training.note=it's: put quotes around the value"),
        (
            ["regions=[a=b,c]"],
            "cannot read regions=[a=b,c]: put quotes around each part, \"regions=['one','two']\"",
        ),
        (["lr"], "'lr' is not a setting: write key=value, or see --help"),
        (["=3"], "'=3' is not a setting"),
        (["--verbose"], "'--verbose' is not a flag of a recipe: see --help"),
        (["hydra.run.dir=x"], "hydra.run.dir: Hydra's own settings have an effect with --multirun"),
        (["--config-dir"], "--config-dir needs a value"),
        (["--config-dir", "not/there"], "--config-dir needs a folder that exists, got 'not/there'"),
    ],
)
def test_a_wrong_setting_ends_in_one_line_and_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert toy.main(words) == 2
    assert last_line(capsys).startswith(message)
    assert not seen


def test_compose_raises_the_same_line_for_callers_in_python() -> None:
    with pytest.raises(UserError, match=r"did you mean 'training\.lr'"):
        toy.compose(["trainig.lr=1"])


def test_own_experiment_is_found_by_flag_and_by_variable(
    own_configs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert toy.main([f"--config-dir={own_configs}", "region=hi", "experiment=good"]) == 0
    monkeypatch.setenv(CONFIG_FOLDER_VARIABLE, str(own_configs))
    assert toy.compose(["region=hi", "experiment=good"]).training.lr == seen[0].training.lr == 0.5


def test_own_file_wins_over_the_shipped_one(
    own_configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert toy.main(["--config-dir", str(own_configs), "region=id"]) == 2
    assert "region.belebele has no value" in last_line(capsys)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("typo", "'training.stesp': did you mean 'training.steps'? (in experiment/typo.yaml)"),
        ("broken", "a config file is not YAML: while parsing a flow sequence"),
        ("goood", "experiment=goood: no such choice: did you mean 'good'?"),
    ],
)
def test_a_mistake_in_an_own_file_is_named(
    own_configs: Path, name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config-dir", str(own_configs), "region=hi", f"experiment={name}"]
    assert toy.main(words) == 2
    assert message in last_line(capsys)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UserError("no such file: give another"), 2, "no such file: give another"),
        (RunError("loss is not finite"), 1, "loss is not finite"),
        (RunError("saved", code=ExitCode.SAVED_RUN_AGAIN), 75, "saved"),
        (KeyError("x"), 1, "KeyError: 'x' (run with --debug for the traceback)"),
        (OSError(errno.ENOSPC, "No space left", "a.bin"), 1, "no space left on the disk (a.bin)"),
        (OSError("11986 requested and 9200 written"), 1, "no space left on the disk (while"),
        (
            OSError(errno.EROFS, "Read-only file system", "/data/x"),
            1,
            "/data/x: read-only file sys",
        ),
        (KeyboardInterrupt(), 130, "interrupted; run the same command to go on"),
    ],
)
def test_an_error_in_the_run_is_one_line_with_its_code(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    raised.append(error)
    assert toy.main([]) == code
    assert last_line(capsys).startswith(message)


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    raised.append(RunError("loss is not finite"))
    assert toy.main(["--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_help_shows_groups_defaults_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert toy.main(["--help"]) == 0
    text = capsys.readouterr().out
    for line in [
        "Do nothing, well.",
        "  region=en|hi|id|tl",
        "  training.lr=0.001",
        "  training.pace=slow  (slow|fast)",
        "  training.note=null",
        "  overwrite=false",
        "  name=run-${region.code}",
        "  lokal toy region=hi",
    ]:
        assert line in text.splitlines(), line
    assert "region.native_name" not in text
    assert not seen


def test_cfg_prints_the_resolved_config_and_runs_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert toy.main(["--cfg", "region=tl"]) == 0
    assert "name: run-tl\n" in capsys.readouterr().out
    assert not seen


def test_cfg_refuses_what_could_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert toy.main(["--cfg", "training.lr=0"]) == 2
    assert "training.lr must be above 0" in last_line(capsys)
