"""The tables that ``lokal judge`` prints: the judges first, then what the fit ones say."""

from collections.abc import Iterator, Mapping, Sequence

from ...data.manifest import Json

_RATES = ("flips", "first_slot", "ties", "unreadable")
_NOTES = (
    "Shares in %, 95 % intervals in brackets. flips: pairs whose verdict changes when the replies",
    "change places; first slot: verdicts for the reply that stood first, of those that name one;",
    "ties: pairs without a consistent winner. A loss by checks was never shown to a judge.",
)


def text_table(summary: Mapping[str, Json]) -> str:
    """Return all tables of a summary as text."""
    found = _plain(summary)
    rows = _pairwise(found) if found["mode"] == "pairwise" else _rubric(found)
    return "\n".join([*rows, *_judge_notes(found), *_NOTES]) + "\n"


def _pairwise(summary: Mapping) -> Iterator[str]:
    yield from _table(
        ["judge", "language", "pairs", "flips", "first slot", "ties", "unreadable", "use"],
        [
            [
                name,
                code,
                str(one["pairs"]),
                *(_share(one[rate]) for rate in _RATES),
                _use(judge, one),
            ]
            for name, judge in summary["judges"].items()
            for code, one in judge["languages"].items()
        ],
    )
    yield ""
    yield from _table(
        [
            "language",
            "pair",
            "judge",
            "by checks",
            "won-tied-lost",
            "all",
            "judged",
            "equal length",
            "and style",
            "corrected",
        ],
        list(_pair_rows(summary)),
    )
    yield ""
    for code, pairs in summary["pairs"].items():
        if why := next((pair["why"] for pair in pairs.values() if pair["why"]), ""):
            yield f"{code}: no win rate: {why}."
    for code, made in summary["strengths"].items():
        yield ""
        yield from _strengths(code, made)
    yield ""


def _pair_rows(summary: Mapping) -> Iterator[list[str]]:
    for code, pairs in summary["pairs"].items():
        for name, pair in pairs.items():
            for judge, one in pair["judges"].items():
                ends = one["outcomes"]
                checks = "-".join(str(number) for number in ends["by_checks"].values())
                judged = "-".join(str(number) for number in ends["judged"].values())
                cells = _rates(one.get("win_rates"), one.get("corrected"))
                yield [code, name, judge, checks, judged, *cells]
            made = pair["panel"]
            if made is not None and len(pair["judges"]) > 1:
                yield [code, name, "panel", "", "", *_rates(made["win_rates"], None)]


def _rates(rates: Mapping | None, corrected: Mapping | None) -> list[str]:
    if rates is None:
        return ["not used"]
    names = ("all", "judged", "length_controlled", "length_and_style_controlled")
    return [*(_value(rates[name]) for name in names), _value(corrected)]


def _strengths(code: str, made: Mapping) -> Iterator[str]:
    if "win_rates" not in made:
        yield f"{code}: no strengths: {made['why']}"
        return
    yield (
        f"{code}: Bradley-Terry over {made['games']} games on {made['prompts']} prompts, "
        f"{100 * made['tie_rate']:.0f} % ties; chance to beat {made['against']}"
    )
    yield from _table(
        ["system", "chance"], [[name, _value(one)] for name, one in made["win_rates"].items()]
    )


def _rubric(summary: Mapping) -> Iterator[str]:
    yield from _table(
        ["judge", "language", "fitness", "why"],
        [
            [name, code, _use(judge, one), one["why"]]
            for name, judge in summary["judges"].items()
            for code, one in judge["languages"].items()
        ],
    )
    yield ""
    criteria = _criteria(summary)
    yield from _table(
        ["language", "system", "replies", "failed checks", "value", *criteria],
        [
            [
                code,
                system,
                str(one["replies"]),
                str(one["failed"]),
                one["why"] or _value(one["value"]),
                *(f"{100 * value:.0f}" for value in one["criteria"].values()),
            ]
            for code, systems in summary["replies"].items()
            for system, one in systems.items()
        ],
    )
    yield ""


def _criteria(summary: Mapping) -> list[str]:
    names = [one["criteria"] for systems in summary["replies"].values() for one in systems.values()]
    return list(dict.fromkeys(name for found in names for name in found))


def _judge_notes(summary: Mapping) -> Iterator[str]:
    """Yield whose a judge is and what its verdicts are worth, in sentences."""
    for name, judge in summary["judges"].items():
        whose = ", ".join(judge["vendors"]) or "vendor not known"
        where = "on this machine" if judge["is_local"] else "asked over the network"
        yield f"{name}: {judge['label']} ({whose}), {where}."
        if judge["unused"]:
            yield f"{name}: its verdicts are not used: {judge['unused']}."
        if judge["drift"]:
            drift = judge["drift"]
            yield (
                f"{name}: agrees with {100 * drift['agreement']:.0f} % of {drift['num_pairs']} "
                f"golden pairs, {100 * drift['first']:.0f} % on {drift['first_at'][:10]}."
            )
        for code, one in judge["languages"].items():
            calibration = one["calibration"]
            words = calibration if isinstance(calibration, str) else calibration["words"]
            reason = one["why"] if one["fitness"] != "fit" else words
            yield f"{name}, {code}: {one['fitness']}: {reason}."


def _use(judge: Mapping, one: Mapping) -> str:
    return "not used" if judge["unused"] else one["fitness"]


def _share(made: Mapping) -> str:
    return "-" if made["share"] is None else _percent(made["share"], made["interval"])


def _value(made: Mapping | None) -> str:
    return "-" if made is None else _percent(made["value"], made["interval"])


def _percent(value: float, interval: Sequence[float]) -> str:
    low, high = interval
    return f"{100 * value:.0f} ({100 * low:.0f}-{100 * high:.0f})"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    whole = [[*row, *[""] * (len(names) - len(row))] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *whole, strict=True)]
    for row in [names, ["-" * width for width in widths], *whole]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _plain(value: Mapping[str, Json]) -> dict:
    return dict(value)
