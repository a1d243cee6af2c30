"""The lab with the Debian package in place of the source tree: two hosts, each with its node as a systemd unit."""

from pathlib import Path

from scripts.lab.hosts import Host
from scripts.lab.lab import Lab
from scripts.lab.layout import NODE_NAMES, Layout
from scripts.lab.namespaces import LabError, run
from scripts.lab.nodes import Node, Pair
from scripts.lab.unit import Service


class InstalledLayout(Layout):
    """Where the nodes of installed hosts keep their files: in /run/tandem, each on its own host."""

    @property
    def hosts(self) -> Path:
        return self.root / "hosts"

    def socket(self, name: str) -> Path:
        return self.hosts / name / "root" / "run/tandem" / f"{name}.sock"

    def pids(self, name: str) -> Path:
        return self.hosts / name / "root" / "run/tandem" / f"{name}.pids"


class InstalledNode(Node):
    """A node that a service manager runs on its host."""

    def __init__(self, name: str, host: Host, layout: Layout) -> None:
        super().__init__(name, host.namespace, layout)
        self.host = host
        self.service: Service | None = None

    def start(self) -> None:
        self.service = Service(self.host, self.layout.log(self.name))
        self.service.start()

    def stop(self, patience_s: float = 10.0) -> None:
        if self.service is not None:
            self.service.stop(patience_s)
            self.service = None


class InstalledLab(Lab):
    """A lab whose hosts a and b have the package, and nothing configured yet."""

    def __init__(self, prefix: str, package: Path) -> None:
        self._package = package
        super().__init__(prefix)

    def __enter__(self) -> "InstalledLab":
        super().__enter__()
        try:
            self._install()
        except BaseException:
            self.remove()
            raise
        return self

    def remove(self) -> None:
        for node in self.pair.nodes:
            node.stop()
        for host in (self.base, *self.hosts):
            host.remove()
        run("umount", "--lazy", str(self._where), check=False)
        super().remove()

    def node(self, name: str) -> InstalledNode:
        node = self.pair.node(name)
        assert isinstance(node, InstalledNode)
        return node

    def _make_pair(self) -> Pair:
        layout = self.layout = InstalledLayout(self.layout.root)
        self._where = layout.hosts
        self.base = Host("base", self.topology.namespace("a"), self._where)
        below = f"{self.base.layer}:/"
        self.hosts = [Host(name, self.topology.namespace(name), self._where, below) for name in NODE_NAMES]
        first, second = (InstalledNode(host.name, host, self.layout) for host in self.hosts)
        return Pair((first, second))

    def _install(self) -> None:
        """Once, on a host that both hosts lie over."""
        self._where.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", str(self._where))
        self.base.create()
        self.base.path(f"/opt/{self._package.name}").write_bytes(self._package.read_bytes())
        self.base.run(f"dpkg -i /opt/{self._package.name}")
        for host in self.hosts:
            host.create()


def copy(path: str, source: Host, target: Host) -> None:
    """A file from one host to another, as `scp -p` would."""
    if not source.path(path).exists():
        raise LabError(f"{source.name} has no {path}")
    target.path(path).write_bytes(source.path(path).read_bytes())
    target.path(path).chmod(source.path(path).stat().st_mode & 0o7777)
