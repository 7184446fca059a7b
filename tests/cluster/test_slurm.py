"""What SLURM's programs answer is read as it stands, and an answer that makes no sense is none."""

import pytest
from lokal.cluster.slurm import (
    QueuedTask,
    read_accounts,
    read_queue,
    read_shown,
    task_numbers,
)


def test_a_line_for_all_waiting_tasks_becomes_one_a_task() -> None:
    text = (
        "JobId=13 ArrayJobId=12 ArrayTaskId=0 JobName=x JobState=RUNNING Reason=None Restarts=1 "
        "NodeList=node[1-2]\n"
        "JobId=12 ArrayJobId=12 ArrayTaskId=1-2%4 JobName=x JobState=PENDING Reason=Dependency "
        "Restarts=0 NodeList=(null)\n"
    )
    assert read_shown(text) == [
        QueuedTask(0, "RUNNING", "None", 1, "node[1-2]"),
        QueuedTask(1, "PENDING", "Dependency", 0, ""),
        QueuedTask(2, "PENDING", "Dependency", 0, ""),
    ]


def test_queue_and_accounts_are_read() -> None:
    assert read_queue("N/A|PENDING|Resources|\n") == [QueuedTask(0, "PENDING", "Resources", 0, "")]
    assert read_queue("2|RUNNING|None|node1\n")[0].number == 2
    assert read_accounts("13_1|CANCELLED by 0|node1\n13_0|COMPLETED|node2\n") == [
        QueuedTask(0, "COMPLETED", "", 0, "node2"),
        QueuedTask(1, "CANCELLED", "", 0, "node1"),
    ]


@pytest.mark.parametrize("text", ["", "\n", "No jobs in the system\n", "a|b\n"])
def test_what_cannot_be_read_is_no_job(text: str) -> None:
    assert read_shown(text) == []
    assert read_queue(text) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0-2%1", [0, 1, 2]), ("1,3", [1, 3]), ("7", [7]), ("0-1,5", [0, 1, 5]), ("N/A", [])],
)
def test_task_numbers_of_an_array(text: str, numbers: list[int]) -> None:
    assert task_numbers(text) == numbers
