"""A bounded capture of everything at the switch, kept only when it is wanted."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

from scripts.lab.namespaces import LabError, command

_SNAP_BYTES: Final = 128
_FILE_MB: Final = 64
_FILES: Final = 4
_BUFFER_KIB: Final = 16384
_SETTLE_S: Final = 0.3


class Capture:
    """tcpdump on all of the switch's ports, each packet once (as it comes in), in a ring of files."""

    def __init__(self, namespace: str, directory: Path) -> None:
        if shutil.which("tcpdump") is None:
            raise LabError("captures need tcpdump (scripts/setup.sh --test installs it)")
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        arguments = ("-i", "any", "-Q", "in", "-n", "-U", "-s", str(_SNAP_BYTES), "-B", str(_BUFFER_KIB))
        ring = ("-C", str(_FILE_MB), "-W", str(_FILES), "-Z", "root", "-w", str(directory / "switch.pcap"))
        self._process = subprocess.Popen(
            command(namespace, "tcpdump", *arguments, *ring, "tcp or arp"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(_SETTLE_S)

    def stop(self) -> None:
        """End the capture; its files stay in their directory."""
        self._process.terminate()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def discard(self) -> None:
        """End the capture and remove its directory."""
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
