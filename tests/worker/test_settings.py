"""Settings: every one has a name with its unit, a default and a sentence; secrets are masked; errors name the variable."""

from pathlib import Path
from typing import Any

import pytest

from worker import errors
from worker.settings import Settings

FIELDS = sorted(Settings.model_fields.items())
DEFAULTS = Settings.from_environment({})
UNITS = (
    "_seconds",
    "_days",
    "_in_flight",
    "_in_flight_per_endpoint",
    "_ready",
    "_port",
    "_bytes",
    "_generations",
    "_per_minute",
    "threads",
    "processes",
)


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_every_setting_has_a_sentence_and_its_unit_in_its_name(name: str, field: Any) -> None:
    assert field.description
    assert field.description[0].isupper()
    assert field.description.endswith(".")
    if field.annotation in (int, float):
        assert name.endswith(UNITS)


def test_without_an_environment_every_setting_has_its_default() -> None:
    found = Settings.from_environment(
        {"PATH": "/bin", "AFTERTAG_TEST_DATABASE_URL": "x", "AFTERTAG_ENDPOINT_X_URL": "y"}
    )
    assert found == DEFAULTS
    assert (found.database_url, found.redis_url) == (None, None)


def test_settings_come_from_their_variables() -> None:
    found = Settings.from_environment(
        {
            "AFTERTAG_THREADS": "4",
            "AFTERTAG_CALL_TIMEOUT_SECONDS": "2.5",
            "AFTERTAG_DATA_DIR": "/data",
            "AFTERTAG_REDIS_URL": "",
        }
    )
    assert (found.threads, found.call_timeout_seconds, found.data_dir, found.redis_url) == (4, 2.5, Path("/data"), None)


def test_addresses_are_masked_wherever_settings_are_shown() -> None:
    secret = "postgresql://ada:zanzibar@host/db"
    found = Settings.from_environment({"AFTERTAG_DATABASE_URL": secret, "AFTERTAG_REDIS_URL": "redis://:zanzibar@host"})
    assert found.database_url is not None
    assert found.database_url.get_secret_value() == secret
    for shown in (repr(found), str(found), str(found.model_dump()), found.model_dump_json()):
        assert "zanzibar" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THREADS", "many"),
        ("THREADS", "0"),
        ("CALL_TIMEOUT_SECONDS", "-1"),
        ("CALL_TIMEOUT_SECONDS", "nan"),
        ("LOG_FORMAT", "xml"),
        ("METRICS_PORT", "99999"),
        ("REDIS_ENGINE", "memcached"),
        ("KEEP_DAYS", "1.5"),
    ],
)
def test_an_unusable_value_is_told_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(errors.SettingsError, match=rf"^AFTERTAG_{name} is '{value}': .+\.$"):
        Settings.from_environment({f"AFTERTAG_{name}": value})


def test_settings_cannot_be_changed_once_they_are_built() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DEFAULTS.threads = 3  # type: ignore[misc]


def test_a_lease_outlasts_the_wait_the_call_and_the_write() -> None:
    found = DEFAULTS
    assert found.lease_seconds == found.wait_seconds + found.call_timeout_seconds + found.write_seconds


def test_one_endpoint_gets_half_of_the_calls_unless_told_otherwise() -> None:
    def places(**given: str) -> int:
        return Settings.from_environment(
            {f"AFTERTAG_{name.upper()}": value for name, value in given.items()}
        ).places_per_endpoint

    assert places(calls_in_flight="512") == 256
    assert places(calls_in_flight="1") == 1
    assert places(calls_in_flight="512", calls_in_flight_per_endpoint="7") == 7


def test_by_default_what_a_killed_worker_held_is_asked_again_within_a_minute() -> None:
    settings = Settings()
    assert settings.lease_seconds + 2 * settings.sweep_seconds <= 60
    assert settings.visibility_timeout_seconds + 2 * settings.sweep_seconds <= 60
