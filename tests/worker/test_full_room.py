"""A line whose room an endpoint has filled: threads stay free, bells go back, last chances elsewhere are given."""

from sqlalchemy import Engine, text

from tests.waiting import wait_until
from tests.worker import line_stage
from tests.worker.line_stage import NOW, record, rows, wire
from worker import classifying
from worker.line import Line


def fill(line: Line, endpoint: str) -> None:
    while line.room.enter(endpoint, 1, wait=False):
        pass


def test_the_bell_of_who_is_turned_away_goes_back_to_its_queue(engine: Engine) -> None:
    with line_stage.open_line(engine, threads="1") as staged:
        fill(staged.line, "local")
        classifying.classify(staged.line, "local", [("acme", "1", NOW)])
        assert staged.bells == [("local", ("acme", "1", NOW))]
        assert not staged.gates.is_open("classify.local")
        staged.line.room.leave("local", 1)
        assert staged.gates.is_open("classify.local")


def test_a_last_chance_at_a_full_endpoint_holds_up_no_other(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    record(line, wire("1"))
    with engine.begin() as connection:
        connection.execute(text("update classifications set lost_leases = 2"))
    fill(line, "hung")
    line.last_chances.put("hung", [("acme", "2", NOW)])
    classifying.classify(line, "local", [("acme", "1", NOW)])
    wait_until(lambda: rows(engine, "select state from classifications") == ["tagged"])
