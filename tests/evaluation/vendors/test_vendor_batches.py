"""Batches of three vendors: made once, found again by their nonce, read in any order, cancelled."""

import json

import pytest
from lokal.data.errors import UserError
from lokal.evaluation.reply import State
from lokal.evaluation.retry import Again, Rejected
from lokal.evaluation.vendors.question import Answer
from lokal.evaluation.vendors.vendor import Batches, BatchState

from ...vendors.server import VendorServer
from .asking import MODEL, WITH_BATCHES, config, question, with_batches

QUESTIONS = [question(number) for number in range(8)]
LINES = [
    {"on": "line", "at": [1], "act": "refused"},
    {"on": "line", "at": [2], "act": "status", "code": 400, "message": "too long"},
    {"on": "line", "at": [3], "act": "expired"},
    {"on": "line", "at": [4], "act": "truncated"},
    {"on": "line", "at": [5], "act": "wrong_model"},
    {"on": "line", "at": [6], "act": "status", "code": 500},
]


async def results_of(batches: Batches, name: str) -> dict[str, Answer | Exception]:
    found = [row async for row in batches.results(name)]
    assert len({key for key, _ in found}) == len(found)
    return dict(found)


@pytest.mark.parametrize("kind", WITH_BATCHES)
def test_a_batch_brings_for_each_question_its_answer_or_why_there_is_none(kind: str) -> None:
    async def use(batches: Batches) -> tuple[list[str], dict[str, Answer | Exception]]:
        name = await batches.create("n0-1", QUESTIONS)
        status = await batches.status(name)
        assert status.state is BatchState.running
        status = await batches.status(name)
        assert (status.state, status.num_done) == (BatchState.ended, len(QUESTIONS))
        return [key async for key, _ in batches.results(name)], await results_of(batches, name)

    with VendorServer(LINES, polls=2) as server:
        order, found = with_batches(config(server, kind), use)
        batched = server.counts.told()["batched"][f"{kind} {MODEL}"]
    keys = [question.key for question in QUESTIONS]
    assert set(found) == set(keys)
    assert order != keys
    answers = {keys.index(k): a for k, a in found.items() if isinstance(a, Answer)}
    refused = State.blocked if kind == "google" else State.refused
    assert {place: answers[place].state for place in sorted(answers)} == {
        0: State.ok,
        1: refused,
        4: State.truncated,
        5: State.wrong_model,
        7: State.ok,
    }
    assert isinstance(found[keys[2]], Rejected)
    assert "too long" in str(found[keys[2]])
    assert isinstance(found[keys[3]], Again)
    assert isinstance(found[keys[6]], Again)
    usages = [answer.usage for answer in answers.values()]
    assert all(usages)
    total = [sum(numbers) for numbers in zip(*filter(None, usages), strict=True)]
    assert [batched["answers"], *total] == [5, *[*batched.values()][1:]]


@pytest.mark.parametrize("kind", WITH_BATCHES)
def test_a_batch_is_found_by_its_nonce_after_a_kill(kind: str) -> None:
    async def create(batches: Batches) -> list[str]:
        return [await batches.create(f"n0-{place}", [question(place)]) for place in range(3)]

    async def find(batches: Batches) -> list[str | None]:
        return [await batches.find(f"n0-{place}") for place in (1, 0, 7)]

    with VendorServer() as server:
        names = with_batches(config(server, kind), create)
        for job in server.jobs.of(kind):
            server.desk.look(job)
        assert with_batches(config(server, kind), find) == [names[1], names[0], None]


@pytest.mark.parametrize("kind", ["openai", "google"])
def test_a_batch_that_runs_is_found_too(server: VendorServer, kind: str) -> None:
    async def use(batches: Batches) -> None:
        assert await batches.find("n0") is None
        name = await batches.create("n0", [question()])
        assert await batches.find("n0") == name

    with_batches(config(server, kind), use)


def test_a_running_batch_of_claude_may_be_anyones_so_it_is_waited_for() -> None:
    async def create(batches: Batches) -> tuple[str, str]:
        return (
            await batches.create("mine", [question(0)]),
            await batches.create("other", [question(1)]),
        )

    async def find(batches: Batches) -> None:
        with pytest.raises(Again, match="still runs, and shows only at its end whose it is"):
            await batches.find("mine")
        await batches.status(other)  # known under its own nonce, and so ruled out
        with pytest.raises(Again, match=mine):
            await batches.find("mine")
        with pytest.raises(Again, match=mine):
            await batches.find("never created")
        await batches.status(mine)
        await batches.status(mine)
        late = await batches.create("late", [question(2)])
        assert await batches.find("mine") == mine
        assert await batches.find("never created") is None
        assert late not in (mine, other)

    with VendorServer(polls=2) as server:
        mine, other = with_batches(config(server, "anthropic"), create)
        with_batches(config(server, "anthropic"), find)


@pytest.mark.parametrize("kind", WITH_BATCHES)
@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_half_a_batch_can_be_read_and_the_rest_asked_again(kind: str, how: str) -> None:
    async def use(batches: Batches) -> dict[str, Answer | Exception]:
        name = await batches.create("n0", QUESTIONS)
        if how == "cancelled":
            await batches.cancel(name)
        assert (await batches.status(name)).state is BatchState.ended
        return await results_of(batches, name)

    with VendorServer(batch_ends="expired") as server:
        found = with_batches(config(server, kind), use)
    kinds = [type(found[question.key]) for question in QUESTIONS]
    assert kinds == [Answer] * 4 + [Again] * 4


@pytest.mark.parametrize("kind", ["openai", "google"])
def test_a_batch_that_failed_as_a_whole_says_so(kind: str) -> None:
    async def use(batches: Batches) -> None:
        name = await batches.create("n0", QUESTIONS)
        status = await batches.status(name)
        assert status.state is BatchState.failed
        assert status.reason

    with VendorServer(batch_ends="failed") as server:
        with_batches(config(server, kind), use)


@pytest.mark.parametrize("kind", WITH_BATCHES)
def test_failures_of_the_batch_interface_have_their_classes(kind: str) -> None:
    async def use(batches: Batches) -> None:
        with pytest.raises(Again, match="no connection"):
            await batches.create("n0", QUESTIONS)
        with pytest.raises(Again, match="HTTP 503"):
            await batches.find("n0")
        with pytest.raises(UserError, match="HTTP 404"):
            await batches.status("batches/no-such")

    lost = {"on": "batch_create", "at": [0], "act": "hangup"}
    busy = {"on": "batch_list", "at": [0], "act": "status", "code": 503}
    with VendorServer([lost, busy]) as server:
        with_batches(config(server, kind), use)
        assert len(server.jobs.of(kind)) == 1  # made, though its reply was lost


@pytest.mark.parametrize("kind", WITH_BATCHES)
def test_a_batch_asks_what_a_single_question_asks(server: VendorServer, kind: str) -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    one = question(schema=schema)
    settings = config(server, kind, effort="low", min_output_tokens=99)

    async def use(batches: Batches) -> None:
        name = await batches.create("n0", [one])
        await batches.status(name)
        (found,) = (await results_of(batches, name)).values()
        assert isinstance(found, Answer)
        assert found.text == "{}"

    with_batches(settings, use)
    sent = json.dumps([asked.content.decode() for asked in server.asked]).lower()
    assert "low" in sent
    assert "99" in sent


@pytest.mark.parametrize("kind", WITH_BATCHES)
def test_what_could_not_be_told_apart_is_not_sent(server: VendorServer, kind: str) -> None:
    async def use(batches: Batches) -> None:
        with pytest.raises(ValueError, match="each question once"):
            await batches.create("n0", [question(), question()])
        with pytest.raises(ValueError, match="1 to 20 letters"):
            await batches.create("a nonce", [question()])
        with pytest.raises(ValueError, match=r"a batch holds 1 to \d+ questions, got 0"):
            await batches.create("n0", [])

    with_batches(config(server, kind), use)
    assert server.asked == []


def test_a_cloud_project_of_gemini_and_rented_llama_have_no_batches(server: VendorServer) -> None:
    assert not config(server, "google", project="p").has_batches
    with pytest.raises(ValueError, match="vendor=bedrock has no batches here"):
        config(server, "bedrock", batch=True)
