"""The commands: what they ask, what they print, and how they end."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from node import guard
from node.cli import admin, target, watch
from node.cli.main import app
from node.keys import read_keys
from tests.cli import answers
from tests.cli.fake_node import FakeNode, fake_node

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden")
CONFIG = (ROOT / "tests" / "config" / "base.yaml").read_text()

LISTS = {
    "cache": ("diagnose ips share list", "ips-share-list"),
    "sessions": ("diagnose ips session list", "ips-session-list"),
    "connections": ("diagnose sys session list", "sys-session-list"),
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A sound configuration of a node that runs in tmp_path, key and all."""
    path = tmp_path / "node.yaml"
    key = tmp_path / "cluster.key"
    path.write_text(
        CONFIG.replace("/run/tandem", str(tmp_path))
        .replace("/etc/tandem/cluster.key", str(key))
        .replace("hitless", "auto")
    )
    assert tandem("keygen", key).exit_code == 0
    return path


@pytest.fixture
def node(config: Path) -> Iterator[FakeNode]:
    with fake_node(config.parent / "a.sock") as fake:
        yield fake


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Programs that are started feel SIGINT, also where a shell in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def tandem(*arguments: object, **environment: str) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)


def test_lists_in_the_vendors_look(node: FakeNode, config: Path) -> None:
    for view, (command, golden) in LISTS.items():
        done = tandem(*command.split(), "--config", config)
        assert done.exit_code == 0, done.output
        assert done.stdout == (GOLDEN / f"{golden}.txt").read_text()
        assert node.asked[-1] == f"GET /{view}"


@pytest.mark.parametrize("view", ["status", *LISTS])
def test_json_is_exactly_the_nodes_answer(node: FakeNode, config: Path, view: str) -> None:
    node.replies[f"GET /{view}"] = (200, b'[ {"odd" :  1e3}  ]')
    command = LISTS[view][0] if view in LISTS else "status"
    done = tandem(*command.split(), "-c", config, "--json")
    assert (done.exit_code, done.stdout) == (0, '[ {"odd" :  1e3}  ]\n')


@pytest.mark.parametrize("view", LISTS)
@pytest.mark.parametrize(
    ("filters", "serials"),
    [
        ("--client 10.1.100.178", [35_487]),
        ("--client 10.1.100.178:57218", [35_487]),
        ("--client 10.1.100.178:1", []),
        ("--client 10.1.100.* --app iccp_transfer.*", [35_487]),
        ("--app ICCP_Operate.*", []),
        ("--serial 35487", [35_487]),
        ("--client 10.1.100.178 --serial 35488", []),
    ],
)
def test_filters(node: FakeNode, config: Path, view: str, filters: str, serials: list[int]) -> None:
    done = tandem(*LISTS[view][0].split(), *filters.split(), "-c", config, "--json")
    assert [row["serial"] for row in json.loads(done.stdout)] == serials
    shown = tandem(*LISTS[view][0].split(), *filters.split(), "-c", config).stdout
    assert ("10.1.100.178:57218" in shown) == bool(serials)


def test_a_filter_by_server(node: FakeNode, config: Path) -> None:
    command = (*LISTS["sessions"][0].split(), "-c", config)
    assert tandem(*command, "--server", "172.16.200.177:102").stdout.endswith("total session 2\n")
    assert tandem(*command, "--server", "172.16.200.178").stdout == "total session 0\n"


def test_status(node: FakeNode, config: Path) -> None:
    done = tandem("status", "-c", config, COLUMNS="110")
    assert done.exit_code == 0
    assert "node a   active   epoch 7   in-sync   takeover hitless" in done.stdout
    assert node.asked == ["GET /status"]


def test_switchover(node: FakeNode, config: Path) -> None:
    done = tandem("execute", "ha", "switchover", "-c", config)
    assert (done.exit_code, node.asked) == (0, ["POST /switchover"])
    assert done.stdout == "switchover begun: see `tandem status --watch`\n"
    assert json.loads(tandem("execute", "ha", "switchover", "-c", config, "--json").stdout) == {"ok": True}


def test_switchover_refused(node: FakeNode, config: Path) -> None:
    node.refuse_switchover("the standby is not in sync\x1b[2J")
    done = tandem("execute", "ha", "switchover", "-c", config)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"tandem: the node at {config.parent / 'a.sock'} refused: the standby is not in sync?[2J\n"


@pytest.mark.parametrize("reply", [(200, b"not json"), (200, b"null"), (404, b"404: Not Found"), (500, b"\xff")])
def test_answers_that_are_none(node: FakeNode, config: Path, reply: tuple[int, bytes]) -> None:
    node.replies["GET /status"] = reply
    done = tandem("status", "-c", config)
    assert done.exit_code == 1
    assert done.stderr.startswith("tandem: ")
    assert str(config.parent / "a.sock") in done.stderr


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "it broke off"),
        (b'HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{"role"', "it broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what answered is not a tandem node"),
        (b"HTTP/1.1 OK\r\n\r\n{}", "what answered is not a tandem node"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}", "what answered is not a tandem node"),
    ],
)
def test_answers_that_are_cut_short_or_no_http(tmp_path: Path, octets: bytes, told: str) -> None:
    path = tmp_path / "a.sock"
    with answering(path, octets):
        done = tandem("status", "--socket", path)
    assert done.exit_code == 1
    assert f"no answer from the node at {path}: {told}" in done.stderr


@contextmanager
def answering(path: Path, octets: bytes) -> Iterator[None]:
    """Something that says so much to whoever asks first, and no more."""

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(octets)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()


# Which node is meant


def test_the_socket_option_comes_first(node: FakeNode, config: Path) -> None:
    done = tandem("status", "--socket", config.parent / "a.sock", "--config", "/none.yaml")
    assert done.exit_code == 0


def test_the_configuration_from_the_environment(node: FakeNode, config: Path) -> None:
    assert tandem("status", TANDEM_CONFIG=str(config)).exit_code == 0


def test_the_only_node_of_the_host(node: FakeNode, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "RUN_DIR", config.parent)
    assert tandem("status").exit_code == 0


def test_looking_needs_no_key(node: FakeNode, config: Path) -> None:
    (config.parent / "cluster.key").unlink()
    assert tandem("status", "-c", config).exit_code == 0


def test_no_node_and_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "RUN_DIR", tmp_path)
    none = tandem("status")
    assert none.exit_code == 1
    assert f"there is no socket in {tmp_path}" in none.stderr
    for name in "ab":
        (tmp_path / f"{name}.sock").touch()
    several = tandem("status")
    assert several.exit_code == 2
    assert "several nodes run here (a, b)" in several.stderr


def test_a_mistake_elsewhere_in_the_file_does_not_hide_the_node(node: FakeNode, config: Path) -> None:
    config.write_text(config.read_text().replace("lease_ms: 150", "lease_ms: 900"))
    assert tandem("check", config).exit_code == 2
    assert tandem("status", "-c", config).exit_code == 0


@pytest.mark.parametrize(
    "section",
    [
        "node: {{name: a, run_dir: {run_dir}}}\n",
        "node: {{name: a,\n  run_dir: {run_dir}}}\n",
        "node:\n\n# of ours\n  name: a\n\n  # where\n  run_dir: {run_dir}\n",
        "nodes: 7\n'node': 8\nnode:\n  run_dir: {run_dir}\n  name: a # the first",
    ],
)
def test_the_node_is_found_however_its_section_is_written(
    node: FakeNode, tmp_path: Path, config: Path, section: str
) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(f"cluster: [\n{section.format(run_dir=config.parent)}")
    assert tandem("status", "-c", file).exit_code == 0


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("name: a", "name: 7", "put it in quotes"),
        ("name: a", "nam: a", "node.nam: unknown key"),
        ("node:", "nodes:", "nodes: unknown key"),
        ("node:", "node: [", "not valid YAML"),
    ],
)
def test_a_file_that_names_no_node(config: Path, before: str, after: str, told: str) -> None:
    config.write_text(config.read_text().replace(before, after, 1))
    done = tandem("status", "-c", config)
    assert done.exit_code == 2
    assert told in done.stderr


# A node that cannot be reached


def test_no_socket(config: Path) -> None:
    done = tandem("status", "-c", config)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        f"tandem: no answer from the node at {config.parent / 'a.sock'}: there is no such socket\n"
        "    start it with `tandem run CONFIG`, or name another with --config FILE or --socket PATH\n"
    )


def test_a_dead_nodes_socket(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    done = tandem("status", "--socket", path)
    assert done.exit_code == 1
    assert "nobody listens there any more" in done.stderr


def test_a_stuck_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin.AdminClient.__init__, "__defaults__", (0.1,))
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.bind(str(path))
        stuck.listen()
        done = tandem("status", "--socket", path)
    assert done.exit_code == 1
    assert "it did not answer in time" in done.stderr


@pytest.mark.parametrize(
    ("reply", "told"),
    [(b"220 mail ready\r\n", "what answered is not a tandem node"), (b"", "it broke off")],
)
def test_something_else_listens(tmp_path: Path, reply: bytes, told: str) -> None:
    path = tmp_path / "a.sock"
    command = [sys.executable, "-m", "node.cli", "status", "--socket", str(path)]
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        peer, _ = other.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(reply)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert told in errors
    assert "Traceback" not in errors


# --watch


def test_watch_redraws_and_survives_a_restart(node: FakeNode, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PERIOD_S", 0.01)
    client = admin.AdminClient(config.parent / "a.sock")
    watch.watch(client, as_json=False, looks=3)
    assert node.asked == ["GET /status"] * 3
    watch.watch(admin.AdminClient(config.parent / "none.sock"), as_json=False, looks=2)


def test_watch_draws_over_what_is_there(node: FakeNode, config: Path, interruptible: None) -> None:
    """On a terminal: no look clears the screen or a line before it writes it, and the cursor comes back."""
    mine, its = pty.openpty()
    command = [sys.executable, "-m", "node.cli", "status", "--watch", "-c", config]
    process = subprocess.Popen(command, cwd=ROOT, stdout=its, stderr=its, env={**os.environ, "TERM": "xterm"})
    os.close(its)
    told = b""
    while told.count(b"Ctrl-C ends this") < 3:
        told += os.read(mine, 4096)
    process.send_signal(signal.SIGINT)
    with suppress(OSError):
        while more := os.read(mine, 4096):
            told += more
    os.close(mine)
    assert process.wait(10) == 0
    assert b"\x1b[2K" not in told and b"\x1b[2J" not in told
    lines = told.split(b"Ctrl-C ends this")[0].count(b"\n") + 1
    assert told.count(f"\x1b[{lines}F".encode()) >= 2
    assert told.count(b"\x1b[?25l") == told.count(b"\x1b[?25h") == 1


def test_watch_as_lines_of_json(
    node: FakeNode, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "PERIOD_S", 0.01)
    watch.watch(admin.AdminClient(config.parent / "a.sock"), as_json=True, looks=2)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [answers.STATUS] * 2
    watch.watch(admin.AdminClient(config.parent / "none.sock"), as_json=True, looks=1)
    assert "there is no such socket" in capsys.readouterr().err


def test_watch_ends_quietly_on_ctrl_c(node: FakeNode, config: Path, interruptible: None) -> None:
    command = [sys.executable, "-m", "node.cli", "status", "--watch", "--json", "-c", config]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == answers.STATUS
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=10)
    assert (process.returncode, told) == (0, "")


# check, keygen, doctor, run


def test_check(config: Path) -> None:
    done = tandem("check", config)
    assert (done.exit_code, done.stdout) == (0, f"{config}: sound\n")


def test_check_says_every_problem(config: Path) -> None:
    config.write_text(config.read_text().replace("lease_ms: 150", "lease_ms: 900").replace("file: null", "fil: null"))
    (config.parent / "cluster.key").chmod(0o644)
    done = tandem("check", config)
    assert (done.exit_code, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[0] == f"tandem: {config} has 3 problems"
    assert [line.split(" ")[0] for line in lines[1:] if not line.startswith(" ")] == [
        f"{config}:{place}:" for place in ("4:13", "7:61", "23:20")
    ]


@pytest.mark.parametrize("name", ["node-a.yaml", "node-b.yaml"])
def test_the_examples_lack_only_the_key(name: str, tmp_path: Path) -> None:
    text = (ROOT / "configs" / name).read_text()
    path = tmp_path / name
    path.write_text(text.replace("/etc/tandem/cluster.key", str(tmp_path / "cluster.key")))
    done = tandem("check", path)
    assert done.exit_code == 2
    assert "has 1 problem\n" in done.stderr
    assert f"tandem keygen {tmp_path / 'cluster.key'}" in done.stderr
    tandem("keygen", tmp_path / "cluster.key")
    assert tandem("check", path).exit_code == 0


def test_keygen(tmp_path: Path) -> None:
    path = tmp_path / "cluster.key"
    assert tandem("keygen", path).exit_code == 0
    first = read_keys(path)
    again = tandem("keygen", path)
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert read_keys(path) == first
    assert tandem("keygen", path, "--force").exit_code == 0
    assert read_keys(path) != first


def test_keygen_rotates_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "cluster.key"
    tandem("keygen", path)
    (old,) = read_keys(path)
    for step in ("add", "use", "drop"):
        done = tandem("keygen", path, "--rotate", step)
        assert (done.exit_code, "then `tandem reload` both" in done.stdout) == (0, True)
    (new,) = read_keys(path)
    assert new != old
    assert "not the time to drop one" in tandem("keygen", path, "--rotate", "drop").stderr
    assert "the steps are add, use, drop" in tandem("keygen", path, "--rotate", "twist").stderr
    assert read_keys(path) == (new,)


def test_reload(node: FakeNode, config: Path) -> None:
    node.replies["POST /reload"] = (200, json.dumps(answers.RELOADED).encode())
    done = tandem("reload", config)
    assert (done.exit_code, node.asked) == (0, ["POST /reload"])
    assert "3 running ones" in done.stdout
    assert json.loads(tandem("reload", config, "--json").stdout) == answers.RELOADED


def test_a_refused_reload_shows_each_mistake_on_its_line(node: FakeNode, config: Path) -> None:
    reason = "/etc/p.yaml:2:34: policies[0].default: must be one of pass\n    a hint\x1b[2J"
    node.replies["POST /reload"] = (422, json.dumps({"ok": False, "error": reason}).encode())
    done = tandem("reload", config)
    assert done.exit_code == 1
    assert "refused: /etc/p.yaml:2:34: policies[0].default: must be one of pass\n    a hint?[2J\n" in done.stderr


def test_doctor(config: Path) -> None:
    done = tandem("doctor", config)
    assert done.exit_code == 2, "this host has no eth-client"
    assert "MISSING  interface eth-client: does not exist" in done.stdout
    assert "takeover: auto cannot be had on this host" in done.stdout
    checks = json.loads(tandem("doctor", config, "--json").stdout)
    assert {"name", "ok", "detail", "remedy", "needed_for"} == set(checks[0])


def test_doctor_of_a_host_that_has_it_all(config: Path) -> None:
    text = config.read_text()
    for old, new in (
        ("eth-client", "lo"),
        ("eth-server", "lo"),
        ("10.78.0.1", "127.0.0.1"),
        ("10.1.100.2:", "127.0.0.2:"),
        (":102", ":10102"),
        ("takeover: auto", "takeover: reconnect"),
    ):
        text = text.replace(old, new)
    config.write_text(text)
    done = tandem("doctor", config)
    assert done.exit_code == 0, done.stdout
    assert done.stdout.endswith("takeover: reconnect can be had on this host\n")


def test_run_refuses_a_bad_configuration(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "run", lambda _: pytest.fail("must not start"))
    config.write_text(config.read_text().replace("group: grid-east", "group: 7"))
    done = tandem("run", config)
    assert done.exit_code == 2
    assert f"{config}:3:10: cluster.group: must be a name, not 7" in done.stderr


@pytest.mark.parametrize("code", [0, 2])
def test_run_ends_with_the_guards_exit_code(config: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    started: list[Path] = []
    monkeypatch.setattr(guard, "run", lambda path: started.append(path) or code)
    assert tandem("run", config).exit_code == code
    assert started == [config]


def test_run_without_the_right_to(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: Path) -> int:
        raise PermissionError(13, "Permission denied", "/run/tandem")

    monkeypatch.setattr(guard, "run", refused)
    done = tandem("run", config)
    assert done.exit_code == 2
    assert done.stderr == f"tandem: /run/tandem: permission denied\n    see `tandem doctor {config}`\n"


# As a program


@pytest.mark.parametrize("arguments", [["frobnicate"], ["status", "--nonsense"], ["check"], ["diagnose", "ips", "x"]])
def test_bad_usage(arguments: list[str]) -> None:
    done = tandem(*arguments)
    assert done.exit_code == 2
    assert "Usage: tandem" in done.stderr or "Usage: root" in done.stderr


def test_help_names_every_command() -> None:
    text = tandem("--help").stdout
    for command in ("run", "check", "doctor", "status", "keygen", "diagnose", "execute"):
        assert f"\n  {command} " in text


def test_help_has_examples_and_exit_codes() -> None:
    assert "\n  CONFIG  The node's YAML file.  [required]\n" in tandem("check", "--help").stdout
    assert "\n  2  usage, configuration or host\n" in tandem("--help").stdout.replace("    ", "  ")
    for words in ("status", "check", "inspect", "learn", *(command for command, _ in LISTS.values())):
        assert f"\n  Examples:\n    tandem {words}" in tandem(*words.split(), "--help").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    assert "_TANDEM_COMPLETE" in completing(_TANDEM_COMPLETE=f"source_{shell}")


def test_completion_of_a_word() -> None:
    words = {"COMP_WORDS": "tandem diagnose i", "COMP_CWORD": "2"}
    assert completing(_TANDEM_COMPLETE="complete_bash", **words).split() == ["ips"]


def completing(**environment: str) -> str:
    """What the program says to a shell that completes."""
    command = [sys.executable, "-m", "node.cli"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_the_demo_is_the_source_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, arguments: run.append(arguments))
    assert tandem("demo", "--failure", "node", "--help").exit_code == 0
    assert run == [[str(ROOT / "scripts" / "demo"), "--failure", "node", "--help"]]


def test_as_a_process(node: FakeNode, config: Path) -> None:
    command = [sys.executable, "-m", "node.cli", "diagnose", "ips", "share", "list"]
    environment = {**os.environ, "TANDEM_CONFIG": str(config)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, (GOLDEN / "ips-share-list.txt").read_text(), "")
    environment["TANDEM_CONFIG"] = "/none.yaml"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[1] == "/none.yaml:1:1: no such file"
