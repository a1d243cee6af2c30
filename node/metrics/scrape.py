"""GET /metrics: in the format that the scraper asks for."""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry

from node.admin.routes import Handler
from node.metrics.gauges import Gauges


class _Taken:
    """What was collected, for a registry to write down."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def metrics(gauges: Gauges) -> Handler:
    """Answers with all of them."""

    async def handler(request: web.Request) -> web.StreamResponse:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        registry = CollectorRegistry()
        registry.register(_Taken(gauges.collect()))
        text = await asyncio.get_running_loop().run_in_executor(None, encode, registry)
        return web.Response(body=text, headers={"Content-Type": content_type})

    return handler
