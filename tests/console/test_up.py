"""`aftertag up`: everything on one machine, once per data directory, and nothing left when it has ended."""

import os
import re
import shlex
import signal
from pathlib import Path

import httpx

from tests.console.machine import Machine, command_of, wait_until_gone
from tests.waiting import wait_until
from worker.embedded import running_at


def test_up_runs_once_per_data_directory_and_ends_everything_on_term(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path)
    with machine.running("up") as first:
        first.wait_until_it_says("Everything is up.")
        family = first.family()
        machine.done("workspace", "create", "acme")
        before = {path.name for path in machine.data_dir.iterdir()}

        second = Machine(folder=tmp_path / "elsewhere", settings={"AFTERTAG_DATA_DIR": str(machine.data_dir)})
        second.folder.mkdir()
        with second.running("up") as refused:
            assert refused.ended() == 1
        (sentence,) = refused.stderr.read_text().splitlines()
        assert str(machine.data_dir) in sentence
        assert str(first.process.pid) in sentence
        assert {path.name for path in machine.data_dir.iterdir()} == before
        assert all(one.is_running() for one in family)
        assert "acme" in machine.done("workspace", "list")

        first.wait_until_it_says(" ready.")
        first.wait_until_it_says("aftertag serve ready.")
        (address,) = re.findall(r"HTTP: (http://\S+)/docs;", first.stderr.read_text())
        told = [shlex.split(line)[1].partition("=") for line in machine.done("env", "-w", "acme").splitlines()]
        environment = {name: value for name, _, value in told}
        assert set(environment) == {"AFTERTAG_URL", "AFTERTAG_WORKSPACE"}
        machine.application(
            "import api_hooks; api_hooks.enqueue('hello', id='by the hook'); assert api_hooks.flush(30)", **environment
        )
        wait_until(lambda: "by the hook" in machine.done("generations", "-w", "acme", "--json"))
        key = machine.done("key", "create", "shop", "-w", "acme", "--application", "shop").strip()
        sent = httpx.post(
            f"{address}/v1/generations",
            json={"messages": "Why is the sky blue?", "id": "first"},
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        )
        assert sent.json()["recorded"] == 1, sent.text
        assert "no_classifier" in machine.done("why", "first", "-w", "acme")
        assert first.ended(signal.SIGTERM) == 0, first.stderr.read_text()
    wait_until_gone(family)
    assert "Traceback" not in first.stderr.read_text()


def test_down_ends_an_up_in_order(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path)
    with machine.running("up") as up:
        up.wait_until_it_says(" ready.")
        family = up.family()
        machine.done("down")
        wait_until_gone(family)
        assert up.ended() == 0, up.stderr.read_text()
        assert "Ending: calls under way are finished first" in up.stderr.read_text()


def test_up_ends_when_its_services_keeper_is_killed(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path)
    with machine.running("up") as up:
        up.wait_until_it_says("Everything is up.")
        running = running_at(machine.data_dir)
        assert running is not None
        family = up.family()
        os.kill(running.pid, signal.SIGKILL)
        assert up.ended() == 1
        assert "The embedded services' keeper ended; run `aftertag up` again." in up.stderr.read_text()
    wait_until_gone(family)


def test_up_killed_leaves_nobody(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path)
    with machine.running("up") as up:
        up.wait_until_it_says(" ready.")
        family = up.family()
        commands = [command for one in family if "console" in (command := command_of(one))]
        assert sorted(command[-1] for command in commands) == ["beat", "serve", "worker"]
        up.ended(signal.SIGKILL)
    wait_until_gone(family)
