"""The Unix socket: there without configuration, for its owner alone, and for all there is."""

from __future__ import annotations

import os
import stat
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp

from node import clock
from node.admin import Admin
from node.admin.answers import shows
from node.admin.routes import get
from node.refusals import Refusals


async def test_only_its_owner_may_open_it(tmp_path: Path) -> None:
    path = tmp_path / "run" / "a.sock"
    config: Any = SimpleNamespace(node=SimpleNamespace(admin_socket=path), admin=None)
    admin = Admin(config, [get("/status", shows(lambda: {"role": "active"}))], Refusals(Counter(), clock.boottime_s))
    old = os.umask(0)
    try:
        await admin.start()
    finally:
        os.umask(old)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as client,
            client.get("http://tandem/status") as response,
        ):
            assert await response.json() == {"role": "active"}
    finally:
        await admin.stop()
