"""The README's HTTP example, as it stands there, with a real curl."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.console.server.conftest import Tenant
from tests.console.server.serving import Server
from tests.worker.line_stage import rows

EXAMPLE = Path(__file__).parents[2] / "examples" / "http.sh"


def test_the_example_records_a_generation_and_its_retry_changes_nothing(
    server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    if shutil.which("curl") is None:
        assert not os.environ.get("CI"), "CI needs curl for this"
        pytest.skip("there is no curl here")
    environ = {
        **os.environ,
        "AFTERTAG_SERVER": server.url,
        "AFTERTAG_URL": "redis://elsewhere",
        "AFTERTAG_KEY": tenant.token,
        "no_proxy": "*",
    }
    for status in ("recorded", "known"):
        told = subprocess.run(["sh", EXAMPLE], env=environ, capture_output=True, text=True)
        assert told.returncode == 0, told
        assert json.loads(told.stdout)["results"] == [{"id": "call-1", "status": status}]
    found = rows(shared_engine, "select model, user_id, app from generations where workspace = :w", w=tenant.workspace)
    assert found == [("gpt-5-mini", "u-17", "shop")]
