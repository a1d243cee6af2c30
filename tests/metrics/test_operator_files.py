"""Rules, scrape configuration, dashboard: held against promtool, Grafana's schema, and the metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from ruamel.yaml import YAML

from node.metrics.families import FAMILIES, PREFIX
from tests.requirements import needs_tool

CONFIGS = Path(__file__).parents[2] / "configs"
RULES = CONFIGS / "prometheus-rules.yaml"
DASHBOARD = json.loads((CONFIGS / "grafana-dashboard.json").read_text())


def promtool(*arguments: str, cwd: Path = CONFIGS) -> str:
    done = subprocess.run(("promtool", *arguments), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expressions(value: Any) -> Iterator[str]:
    """All PromQL of a dashboard."""
    if isinstance(value, dict):
        if "expr" in value:
            yield value["expr"]
        for each in value.values():
            yield from expressions(each)
    elif isinstance(value, list):
        for each in value:
            yield from expressions(each)


def sample_names() -> set[str]:
    """Every name that a scrape may have."""
    names: set[str] = set()
    for name, family in FAMILIES.items():
        if family.kind is HistogramMetricFamily:
            names |= {f"{PREFIX}{name}_{part}" for part in ("bucket", "sum", "count")}
        else:
            names.add(f"{PREFIX}{name}" + ("_total" if family.kind is CounterMetricFamily else ""))
    return names


@needs_tool("promtool")
def test_promtool_takes_the_rules_and_the_scrape_configuration() -> None:
    assert "SUCCESS: 16 rules found" in promtool("check", "rules", RULES.name)
    promtool("check", "config", "--syntax-only", "prometheus-scrape.yaml")


@needs_tool("promtool")
def test_each_alert_fires_on_what_it_is_for(tmp_path: Path) -> None:
    stories = (Path(__file__).parent / "rules.test.yaml").read_text()
    (tmp_path / RULES.name).write_text(RULES.read_text())
    (tmp_path / "stories.yaml").write_text(stories)
    promtool("test", "rules", "stories.yaml", cwd=tmp_path)
    alerts = [rule["alert"] for rule in YAML(typ="safe").load(RULES)["groups"][0]["rules"]]
    told = YAML(typ="safe").load(stories)["tests"]
    fired = {each["alertname"] for test in told for each in test["alert_rule_test"] if "exp_alerts" in each}
    silent = {each["alertname"] for each in told[0]["alert_rule_test"] if "exp_alerts" not in each}
    assert fired == silent == set(alerts)


@needs_tool("promtool")
def test_promtool_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = []
    for number, expression in enumerate(expressions(DASHBOARD)):
        filled = expression.replace("$__rate_interval", "1m").replace("$pair", ".*")
        rules.append({"record": f"panel:number:{number}", "expr": filled})
    assert len(rules) > 20
    with (tmp_path / "panels.yaml").open("w") as file:
        YAML().dump({"groups": [{"name": "panels", "rules": rules}]}, file)
    assert f"{len(rules)} rules found" in promtool("check", "rules", "panels.yaml", cwd=tmp_path)


@pytest.mark.parametrize("path", [RULES, CONFIGS / "grafana-dashboard.json"], ids=lambda path: path.name)
def test_only_metrics_that_there_are_are_asked_for(path: Path) -> None:
    asked = set(re.findall(rf"\b{PREFIX}[a-z_]+", path.read_text()))
    assert asked
    assert asked <= sample_names()


def test_every_metric_is_described() -> None:
    table = (CONFIGS.parent / "docs" / "monitoring.md").read_text()
    for name, family in FAMILIES.items():
        total = "_total" if family.kind is CounterMetricFamily else ""
        labels = ", ".join(f"`{label}`" for label in family.labels)
        assert re.search(
            rf"^\| `{PREFIX}{name}{total}` \| \w+ \| {labels} \| {family.text} \|$", table, re.MULTILINE
        ), name


def test_grafana_s_own_schema_loses_nothing_of_the_dashboard() -> None:
    """The SDK's types are made from Grafana's schemas: a key that they do not know would not come back."""
    register_default_plugins()
    known = Dashboard.from_json(DASHBOARD)
    assert list(lost(DASHBOARD, json.loads(json.dumps(known, cls=JSONEncoder)))) == []


def test_a_key_that_grafana_does_not_know_would_be_noticed() -> None:
    register_default_plugins()
    panel = {**DASHBOARD["panels"][0], "colour": "red"}
    known = Dashboard.from_json({**DASHBOARD, "panels": [panel]})
    assert list(lost({"panels": [panel]}, json.loads(json.dumps(known, cls=JSONEncoder)))) == [".panels[0].colour"]


def lost(given: Any, returned: Any, place: str = "") -> Iterator[str]:
    """Where something that was given did not come back as it was."""
    if isinstance(given, dict) and isinstance(returned, dict):
        for key, value in given.items():
            yield from lost(value, returned.get(key, KeyError), f"{place}.{key}")
    elif isinstance(given, list) and isinstance(returned, list) and len(given) == len(returned):
        for number, (one, other) in enumerate(zip(given, returned, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif given != returned:
        yield place


def test_panels_lie_beside_each_other() -> None:
    taken = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken)), "no two at the same place"
    assert max(x for x, _ in taken) == 23
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
