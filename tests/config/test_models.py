"""What a sound configuration gives: defaults, addresses, derived values; and the examples in configs/."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest
from pydantic import ValidationError

from node.config import Admin, Config, ConfigErrors, Endpoint, Witness, load, parse
from node.keys import new_key, write_keys

HERE = Path(__file__).parent
CONFIGS = HERE.parents[1] / "configs"


@pytest.fixture
def config() -> Config:
    return load(HERE / "base.yaml", check_files=False)


def test_values_are_parsed(config: Config) -> None:
    assert config.node.name == "a"
    assert config.links[0].peer == Endpoint(IPv4Address("10.78.0.2"), 7410)
    assert str(config.links[0].peer) == "10.78.0.2:7410"
    assert config.services[0].listen.sockaddr == ("10.1.100.1", 102)
    assert config.services[0].source == IPv4Address("172.16.200.4")
    assert config.virtual_addresses[0].address == IPv4Interface("10.1.100.1/24")
    assert config.log.file is None


def test_derived_values(config: Config) -> None:
    beat = config.cluster.heartbeat
    assert (beat.interval_s, beat.lost_ms, beat.lost_s) == (0.05, 200, 0.2)
    assert (beat.lease_s, beat.lease_ns) == (0.15, 150_000_000)
    assert config.cluster.max_lag_bytes == 64 << 20
    assert config.limits.buffer_bytes == config.limits.held_bytes == 256 << 10
    assert config.node.admin_socket == Path("/run/tandem/a.sock")
    assert config.interfaces == ("eth-client", "eth-server")
    assert config.virtual_hosts == {IPv4Address("10.1.100.1"), IPv4Address("172.16.200.4")}
    assert [link.name for link in config.links_by_priority] == ["hb0", "data"]
    assert (config.virtual_addresses[1].host, config.virtual_addresses[1].prefix_length) == (
        IPv4Address("172.16.200.4"),
        24,
    )


def test_defaults() -> None:
    text = """
node: {name: b}
cluster: {group: g, key_file: /k}
links: [{name: l, local: "10.0.0.1:7410", peer: "10.0.0.2:7410"}]
virtual_addresses: [{address: 10.0.1.1/24, interface: eth0}]
services: [{name: s, listen: "10.0.1.1:102", server: "10.0.2.1:102", source: 10.0.1.1}]
"""
    config = parse(text, check_files=False)
    assert (config.cluster.takeover, config.cluster.session_pickup, config.cluster.override) == (
        "auto",
        True,
        False,
    )
    assert (config.cluster.standby_loss.policy, config.cluster.standby_loss.after_s) == ("degrade", 1.0)
    assert config.services[0].on_undecodable == "reset"
    assert config.limits.sessions == 4096
    assert config.log.format == "json"


def test_frozen(config: Config) -> None:
    with pytest.raises(ValidationError):
        config.cluster.heartbeat.lease_ms = 1  # type: ignore[misc]


def test_survives_its_own_dump(config: Config) -> None:
    assert Config.model_validate(config.model_dump()) == config


@pytest.mark.parametrize("name", ["node-a.yaml", "node-b.yaml"])
def test_examples_are_sound_apart_from_the_key(name: str, tmp_path: Path) -> None:
    load(CONFIGS / name, check_files=False)
    key = tmp_path / "cluster.key"
    text = (CONFIGS / name).read_text().replace("/etc/tandem/cluster.key", str(key))
    with pytest.raises(ConfigErrors) as caught:
        parse(text)
    assert [problem.path for problem in caught.value.problems] == ["cluster.key_file"]
    write_keys(key, (new_key(),))
    parse(text)


def test_examples_are_two_halves_of_one_pair() -> None:
    a, b = (load(CONFIGS / f"node-{name}.yaml", check_files=False) for name in "ab")
    assert [(link.local, link.peer) for link in a.links] == [(link.peer, link.local) for link in b.links]
    assert a.node.name != b.node.name
    assert (a.cluster, a.virtual_addresses, a.services, a.limits) == (
        b.cluster,
        b.virtual_addresses,
        b.services,
        b.limits,
    )


def test_examples_show_every_key() -> None:
    config = load(CONFIGS / "node-a.yaml", check_files=False)
    for model in (config, config.node, config.cluster, config.cluster.heartbeat, config.cluster.standby_loss):
        assert set(type(model).model_fields) == model.model_fields_set
    for model in (*config.links, *config.virtual_addresses, *config.services, config.limits, config.log):
        assert set(type(model).model_fields) == model.model_fields_set


@pytest.mark.parametrize("name", ["node-a.yaml", "node-b.yaml"])
@pytest.mark.parametrize(("section", "model"), [("admin", Admin), ("witness", Witness)])
def test_examples_show_every_key_of_what_is_left_out_in_comments(name: str, section: str, model: type) -> None:
    head, tail = (CONFIGS / name).read_text().split(f"{section}: null\n")
    shown, rest = tail.split("\n\n", 1)
    given = "\n".join(line.removeprefix("# ") for line in shown.splitlines())
    found = getattr(parse(f"{head}{given}\n\n{rest}", check_files=False), section)
    assert isinstance(found, model)
    assert found.model_fields_set == set(type(found).model_fields)
