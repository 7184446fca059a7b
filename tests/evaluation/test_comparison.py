"""What may be said of two systems, and how it looks on the page."""

import pytest
from lokal.data.suite import Item
from lokal.evaluation.comparison import anchor_held, compare_right, compare_scores, describe_system
from lokal.evaluation.report.page import render_page
from lokal.evaluation.report.table import text_table
from lokal.evaluation.report.verdict import decide
from lokal.evaluation.results import RegionView, Results
from lokal.evaluation.scores import Score
from lokal.evaluation.settings import StatisticsConfig

STATISTICS = StatisticsConfig(
    confidence=0.95, power=0.8, resamples=500, seed=0, min_items=30, anchor_margin=0.02
)
HINDI = "ज़िला अस्पताल, क्‍षमा"  # nukta and a joiner
HOSTILE = "</dd><script>alert(1)</script>\u202e\"'& {{ 7*7 }}"


def items(number: int = 100) -> list[Item]:
    labels = ["sports", "health", "travel", "entertainment"]
    return [Item(f"x/{k}", "hi", f"{HINDI} {k}", labels[k % 4]) for k in range(number)]


def scores(rights: int, *, parsed: int = 100, number: int = 100) -> dict[str, Score]:
    """Return scores whose first items are right, and whose last items name no label."""
    return {
        f"x/{k}": Score("a" if k < parsed else None, k < min(rights, parsed), HOSTILE)
        for k in range(number)
    }


def test_all_items_count_a_reply_without_a_label_as_wrong_and_parsed_only_leaves_it_out():
    made = describe_system(list(scores(60, parsed=80).values()), confidence=0.95)
    assert (made["n"], made["accuracy"], made["coverage"]) == (100, 0.6, 0.8)
    parsed = made["parsed_only"]
    assert isinstance(parsed, dict)
    assert (parsed["n"], parsed["accuracy"]) == (80, 0.75)


def test_a_system_against_itself_never_wins():
    right = [k % 3 == 0 for k in range(100)]
    made = compare_right(right, right, statistics=STATISTICS)
    assert made.word == "no difference shown"
    assert made.figures["difference"] == 0


def test_five_items_all_one_way_show_nothing_yet():
    made = compare_right([True] * 5 + [False] * 95, [False] * 100, statistics=STATISTICS)
    assert made.word == "no difference shown"
    assert made.figures["mcnemar_p"] == 0.0625


def test_better_needs_every_view_to_agree():
    child, recorded = scores(70), scores(50, parsed=50)
    made = compare_scores(items(), child, recorded, statistics=STATISTICS)
    assert made["all_items"]["word"] == "better"  # pyright: ignore
    assert made["parsed_only"]["word"] == "no difference shown"  # pyright: ignore
    assert made["word"] == "no difference shown"


def test_items_whose_label_was_not_offered_make_a_view_of_their_own():
    made = compare_scores(
        items(), scores(70), scores(50), statistics=STATISTICS, unasked_labels=["entertainment"]
    )
    assert made["asked_labels"]["n"] == 75  # pyright: ignore


def test_few_items_are_said_to_be_too_few():
    made = compare_scores(items(20), scores(20), scores(0), statistics=STATISTICS)
    assert made["word"] == "too few items"


@pytest.mark.parametrize(
    ("interval", "held"), [([-0.01, 0.1], "yes"), ([-0.2, -0.03], "no"), ([-0.1, 0.1], "not shown")]
)
def test_the_anchor_is_held_only_if_the_whole_interval_is_within_the_margin(
    interval: list[float], held: str
):
    assert anchor_held({"interval": list(interval)}, margin=0.02) == held


def results() -> Results:
    view = RegionView(
        "hi", items(), {"parent": scores(20), "child": scores(70), "gpt-4": scores(90, parsed=95)}
    )
    systems = {
        name: describe_system(list(made.values()), confidence=0.95)
        for name, made in view.scores.items()
    }
    differences = {
        f"child-{name}": compare_scores(
            view.items, view.scores["child"], view.scores[name], statistics=STATISTICS
        )
        for name in ("parent", "gpt-4")
    }
    share = {"n": 100, "accuracy": 0.5, "interval": [0.4, 0.6]}
    same = compare_right([True] * 50, [True] * 50, statistics=STATISTICS).figures
    block = {"parent": share, "child": share, "child-parent": same}
    held = block | {"held": "yes"}
    region = {
        "name": "Hindi", "systems": systems, "differences": differences, "log_likelihood": block,
        "anchor": {"language": "en", "generated": held, "log_likelihood": held},
        "decontaminated": {"rows": 3, "items_met": {"sib200 test": 2}}, "training": None,
        "licences": ["CC-BY-SA-4.0"],
    }  # fmt: skip
    figures = {
        "suite": "sib200", "split": "test", "confidence": 0.95, "anchor": "en", "test_scored": 4,
        "against_recordings": "zero-shot", "regions": {"hi": region},
    }  # fmt: skip
    return Results(figures, [view])  # pyright: ignore


def page() -> str:
    made = results()
    return render_page(made, decide(made, anchor="en"), inputs=[("a", "0" * 64)], packages={})


def test_model_output_is_inert_text_in_the_page():
    made = page()
    assert "<script" not in made
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in made
    assert "{{ 7*7 }}" in made


def test_the_page_needs_no_network_and_no_script():
    made = page()
    assert "default-src 'none'" in made
    assert "http://" not in made
    assert "src=" not in made


def test_hindi_keeps_its_joiners_and_nukta_and_says_its_language():
    made = page()
    assert HINDI in made
    assert '<blockquote lang="hi" dir="auto">' in made


def test_where_gpt_is_better_the_verdict_says_so():
    verdict = decide(results(), anchor="en")["hi"]
    assert verdict.against == {"gpt-4": "worse"}
    assert "gpt-4 is better where it names a label." in verdict.reasons


def test_a_child_that_only_learnt_the_format_is_not_called_better():
    assert results().figures["regions"]["hi"]["differences"]["child-parent"]["word"] == "better"  # pyright: ignore
    verdict = decide(results(), anchor="en")["hi"]
    assert verdict.word == "no difference shown"
    assert "The task without the format" in verdict.reasons[1]


def test_equal_results_give_equal_bytes():
    assert page() == page()
    assert text_table(results()) == text_table(results())
