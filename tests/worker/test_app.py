"""The Celery app as it is made: its schedule, and what a worker and a beat refuse to start with."""

import pytest
from structlog.testing import capture_logs

from classifier_models import endpoints
from worker import app
from worker.settings import Settings


@pytest.mark.parametrize(("every_seconds", "kept_seconds"), [(0.5, 60), (5, 60), (300, 3600)])
def test_a_start_outlives_a_difference_of_clocks_and_ends_some_day(every_seconds: float, kept_seconds: float) -> None:
    made = app.make(
        Settings.model_validate({"sweep_seconds": every_seconds, "upkeep_seconds": every_seconds}),
        redis_url="redis://127.0.0.1:1/0",
    )
    for start in made.conf.beat_schedule.values():
        assert start["options"]["expires"] == kept_seconds


def test_without_scikit_learn_the_built_in_models_queue_is_left_to_others() -> None:
    configured = endpoints.from_environment({"AFTERTAG_ENDPOINT_MINE_URL": "http://127.0.0.1:1"})
    assert app.servable(configured) == configured
    with capture_logs() as logged:
        assert app.servable(configured, module="no_such_module").keys() == {"mine"}
    assert [entry["endpoints"] for entry in logged] == [["local"]]
