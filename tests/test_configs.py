"""Every YAML file composes into its dataclass, and no file, group or recipe is forgotten."""

import re
import shlex
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from lokal.data.config_files import config_names, read_config
from lokal.data.errors import UserError
from lokal.data.region import load_region, region_codes
from lokal.data.suite import load_suite
from lokal.evaluation.cost import load_prices
from lokal.evaluation.gates.thresholds import load_gates
from lokal.evaluation.published import load_published
from lokal.evaluation.spending.deprecation import load_retirements
from lokal.evaluation.vendors.settings import VendorConfig
from lokal.recipes.entry import Recipe
from lokal.recipes.main import recipe_names

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
GROUPS = sorted(path.name for path in CONFIGS.iterdir() if any(path.glob("*.yaml")))
CHOICES = [(group, name) for group in GROUPS for name in config_names(group)]
# Read by name with their own loader, not composed: a recipe only names them.
READ_BY_NAME = {
    "suite": load_suite,
    "region": load_region,
    "gates": load_gates,
    "prices": load_prices,
    "published": load_published,
    "retirement": load_retirements,
}


def load(name: str) -> Recipe:
    return getattr(import_module(f"lokal.recipes.{name}"), name)


@cache
def groups_of(name: str) -> list[str]:
    return list(load(name).settings().groups)


def recipes_with(group: str) -> list[Recipe]:
    return [load(name) for name in recipe_names() if group in groups_of(name)]


def compose_or_missing(recipe: Recipe, *words: str) -> None:
    """Compose; a value that only the user can give may be missing, nothing else may be wrong."""
    try:
        recipe.compose(words)
    except UserError as error:
        if not re.search(r"has no value: give |is empty: (pin|name) ", str(error)):
            raise


@pytest.mark.parametrize("file", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_every_primary_file_has_its_recipe_and_composes(file: str) -> None:
    assert load(file).name == file
    compose_or_missing(load(file))


def test_every_recipe_has_its_primary_file() -> None:
    folder = CONFIGS.parent / "recipes"
    decorated = [p.stem for p in folder.glob("*.py") if "\n@recipe(" in p.read_text("utf-8")]
    assert sorted(decorated) == recipe_names()


@pytest.mark.parametrize(("group", "name"), CHOICES)
def test_every_choice_of_every_group_composes(group: str, name: str) -> None:
    if group in READ_BY_NAME:
        READ_BY_NAME[group](name)
    recipes = recipes_with(group)
    assert recipes or group in READ_BY_NAME, f"no recipe uses configs/{group}/"
    if group == "baseline":  # recordings and live vendors share the group, not the command
        recipes = _of_this_kind_of_baseline(recipes, name)
    if group == "experiment":  # an experiment belongs to one recipe
        recipes = [recipe for recipe in recipes if _composes(recipe, f"experiment={name}")]
        assert recipes, f"configs/experiment/{name}.yaml composes with no recipe"
    for recipe in recipes:
        compose_or_missing(recipe, f"{group}={name}")


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_says_first_what_it_is(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict | None)


def test_every_file_lies_where_it_is_looked_for() -> None:
    files = {path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    expected = {f"{group}/{name}.yaml" for group, name in CHOICES}
    expected |= {f"{name}.yaml" for name in recipe_names()} | {"__init__.py"}
    assert files == expected


def test_only_the_edge_knows_hydra() -> None:
    folders = [CONFIGS.parent / name for name in ("recipes", "data", "training", "evaluation")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    knowing = [
        path for path in files if re.search(r"(import|from) (hydra|omegaconf)", path.read_text())
    ]
    assert [path.name for path in knowing] == ["entry.py"]


@pytest.mark.parametrize("name", recipe_names())
def test_every_example_of_the_help_composes(name: str) -> None:
    recipe = load(name)
    assert 3 <= len(recipe.examples) <= 5
    for example in recipe.examples:
        words = shlex.split(example)
        place = next(i for i, word in enumerate(words) if word.endswith(name))
        compose_or_missing(recipe, *words[place + 1 :])


@pytest.mark.parametrize("region", ["id", "hi", "tl"])
@pytest.mark.parametrize(
    ("name", "stage", "method", "lr"),
    [
        ("cpt_full_8b", "cpt", "full", 1e-5),
        ("cpt_lora_8b", "cpt", "lora", 1e-4),
        ("sft_lora_8b", "sft", "lora", 2e-4),
        ("sft_full_8b", "sft", "full", 7e-6),
        ("sft_qlora_70b", "sft", "qlora", 1e-4),
        ("dpo_8b", "dpo", "full", 5e-7),
    ],
)
def test_every_shipped_recipe_is_there_for_every_region(
    name: str, stage: str, method: str, lr: float, region: str
) -> None:
    words = [f"experiment={name}", f"region={region}", "model.revision=c0ffee"]
    config = load("finetune").compose(words)
    assert (config.stage.kind.name, config.method.kind.name) == (stage, method)
    assert (config.training.lr, config.region.code) == (lr, region)
    assert config.name == f"{name}_{region}"
    assert config.model.path.startswith("meta-llama/Llama-3")
    assert config.mix.enabled == (stage == "cpt")
    own = load("finetune").compose([*words, "model=local", "model.path=x", "training.lr=1e-3"])
    assert (own.model.path, own.training.lr) == ("x", 1e-3)


def test_a_shipped_budget_recipe_says_so() -> None:
    assert "# BUDGET" in (CONFIGS / "experiment" / "cpt_lora_8b.yaml").read_text("utf-8")


@pytest.mark.parametrize("name", config_names("suite"))
def test_a_suite_asks_in_the_words_of_each_of_its_languages(name: str) -> None:
    suite = load_suite(name)
    tasks = {"": [], "causal": ["causal_cause", "causal_effect"]}.get(suite.task, [suite.task])
    for code in suite.languages or region_codes():
        assert all(load_region(code).prompt(task, suite.labels) for task in tasks)


def _of_this_kind_of_baseline(recipes: list[Recipe], name: str) -> list[Recipe]:
    """Return the recipes that take this kind; the others name the command that does."""
    values = read_config("baseline", name)
    is_live = "vendor" in values
    if is_live:
        given = {"model": "x", "base_url": "https://models.example/v1", "project": "p"}
        VendorConfig(**{k: given[k] if v == "???" else v for k, v in values.items()})  # pyright: ignore[reportArgumentType]
    fitting = []
    for recipe in recipes:
        if ("VendorConfig" in str(recipe.schema.__annotations__.get("baseline"))) == is_live:
            fitting.append(recipe)
        else:
            with pytest.raises(UserError, match=f"^{name} is a (live vendor|recording), which"):
                recipe.compose([f"baseline={name}"])
    return fitting


def _composes(recipe: Recipe, word: str) -> bool:
    try:
        compose_or_missing(recipe, word)
    except UserError:
        return False
    return True
