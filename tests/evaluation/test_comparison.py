"""What may be said of two systems, and how it looks on the page."""

import pytest
from lokal.evaluation.comparison import (
    agreed_word,
    anchor_held,
    compare_one_label,
    compare_right,
    compare_scores,
    describe_system,
)
from lokal.evaluation.item import Item
from lokal.evaluation.reply import State
from lokal.evaluation.report.page import render_page
from lokal.evaluation.report.table import text_table
from lokal.evaluation.report.verdict import decide
from lokal.evaluation.results import RegionView, Results
from lokal.evaluation.scores import Score
from lokal.evaluation.settings import StatisticsConfig

from .labelled import labelled_item

STATISTICS = StatisticsConfig(
    confidence=0.95, power=0.8, resamples=500, seed=0, min_items=30, anchor_margin=0.02
)
HINDI = "ज़िला अस्पताल, क्‍षमा"  # nukta and a joiner
HOSTILE = "</dd><script>alert(1)</script>\u202e\"'& {{ 7*7 }}"


def items(number: int = 100) -> list[Item]:
    labels = ["sports", "health", "travel", "entertainment"]
    return [labelled_item(f"x/{k}", "hi", f"{HINDI} {k}", labels[k % 4]) for k in range(number)]


def scores(rights: int, *, parsed: int = 100, number: int = 100) -> dict[str, Score]:
    """Return scores whose first items are right, and whose last items name no label."""
    return {
        f"x/{k}": Score(
            float(k < min(rights, parsed)), "a" if k < parsed else None, HOSTILE, State.ok
        )
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


def results(*, task: int = 50) -> Results:
    """Return figures of one region; by log-likelihood the child has ``task`` of 50 right."""
    view = RegionView(
        "hi",
        items(),
        {
            "parent": scores(0, parsed=0),
            "child": scores(70),
            "gpt-4": scores(90, parsed=95),
        },
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
    differences["child-parent"]["word"] = "better"  # over all items: the parent names no label
    share = {"n": 100, "accuracy": 0.5, "interval": [0.4, 0.6]}
    likely = [k < task for k in range(50)]
    parent_likely = [k < 25 for k in range(50)]
    made = compare_right(likely, parent_likely, statistics=STATISTICS).figures
    block = {"parent": share, "child": share, "child-parent": made}
    held = block | {"held": "yes"}
    region = {
        "name": "Hindi", "systems": systems, "differences": differences, "log_likelihood": block,
        "one_label": compare_one_label(view.items, view.scores["child"], statistics=STATISTICS),
        "anchor": {"language": "en", "generated": held, "log_likelihood": held},
        "decontaminated": {"rows": 3, "items_met": {"sib200 test": 2}}, "training": None,
        "licences": ["CC-BY-SA-4.0"],
    }  # fmt: skip
    figures = {
        "suite": "sib200", "split": "test", "confidence": 0.95, "power": 0.8, "anchor": "en",
        "anchor_name": "English", "anchor_margin": 0.05, "parent": "a Llama", "test_scored": 4,
        "texts_licence": "CC-BY-SA-4.0", "against_recordings": "zero-shot",
        "regions": {"hi": region},
    }  # fmt: skip
    return Results(figures, [view])  # pyright: ignore


def page() -> str:
    made = results()
    return render_page(made, decide(made), inputs=[("a", "0" * 64)], packages={})


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
    verdict = decide(results())["hi"]
    assert verdict.against == {"gpt-4": "worse"}
    assert "gpt-4 is better than the child." in verdict.sentence


def test_a_child_that_only_learnt_the_format_is_not_called_better():
    made = results(task=25)
    assert made.figures["regions"]["hi"]["differences"]["child-parent"]["word"] == "better"  # pyright: ignore
    verdict = decide(made)["hi"]
    assert verdict.word == "no difference shown"
    assert "that it learnt the task is not shown" in verdict.sentence


def test_a_child_that_gives_one_answer_to_everything_is_not_called_better():
    made = results()
    made.figures["regions"]["hi"]["one_label"] = one_label(right=25)  # pyright: ignore
    verdict = decide(made)["hi"]
    assert verdict.word == "no difference shown"
    assert "It answers “a” to 100 of 100 items and nothing else." in verdict.sentence
    text = text_table(made)
    assert "Hindi: always answering 'entertainment' scores 25" in text


def test_a_child_that_beats_parent_and_one_fixed_answer_is_better_at_the_task():
    made = results()
    region = made.figures["regions"]["hi"]  # pyright: ignore
    region["systems"]["child"]["answers"] = {"sports": 40, "health": 60}  # pyright: ignore
    region["one_label"] = one_label(right=70)  # pyright: ignore
    assert decide(made)["hi"].word == "better"
    region["one_label"] = one_label(right=25)  # pyright: ignore
    assert decide(made)["hi"].word == "no difference shown"
    assert "always answering “entertainment”" in decide(made)["hi"].sentence


def one_label(*, right: int) -> dict:
    """Return a child with so many right against the commonest label, which has 25 right."""
    child = {f"x/{k}": Score(float(k < right), "a", "", State.ok) for k in range(100)}
    return compare_one_label(items(), child, statistics=STATISTICS)


def test_worse_in_one_measure_is_worse_even_if_the_other_shows_nothing():
    assert agreed_word(["worse", "no difference shown"]) == "worse"
    assert agreed_word(["worse", "better"]) == "no difference shown"


def test_nothing_parsed_is_unknown_and_not_zero():
    made = results()
    parent = made.figures["regions"]["hi"]["systems"]["parent"]  # pyright: ignore
    assert parent["parsed_only"] == {"n": 0, "accuracy": None, "interval": None}  # pyright: ignore
    assert "[-]" in text_table(made)


def test_the_page_says_the_settings_it_was_made_with():
    made = page()
    assert "above −5 points" in made
    assert "4-bit" not in made  # said only of the embedded parent


def test_equal_results_give_equal_bytes():
    assert page() == page()
    assert text_table(results()) == text_table(results())
