"""libbpf.so.1 through ctypes: open, size, load and attach an object; read and write maps.

Thin on purpose: every function here is one call of libbpf and the check of its answer. libbpf 1.x returns
-errno.
"""

import ctypes
import errno
import functools
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from node.kernel.errors import KernelError

ANY, NOEXIST = 0, 1  # flags of bpf_map_update_elem, bpf(2)
INGRESS, EGRESS = 1, 2  # enum bpf_tc_attach_point
TC_REPLACE = 1  # enum bpf_tc_flags

LOG_LINES = 25  # of libbpf's log, kept for a KernelError
_LOG_LINE_OCTETS = 16384

_CAPABILITIES = "the node needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, or root"
_INSTALL = "install libbpf 1.x (Debian, Ubuntu: apt install libbpf1)"


class TcHook(ctypes.Structure):
    """struct bpf_tc_hook."""

    _fields_ = (
        ("sz", ctypes.c_size_t),
        ("ifindex", ctypes.c_int),
        ("attach_point", ctypes.c_int),
        ("parent", ctypes.c_uint32),
    )


class TcOptions(ctypes.Structure):
    """struct bpf_tc_opts."""

    _fields_ = (
        ("sz", ctypes.c_size_t),
        ("prog_fd", ctypes.c_int),
        ("flags", ctypes.c_uint32),
        ("prog_id", ctypes.c_uint32),
        ("handle", ctypes.c_uint32),
        ("priority", ctypes.c_uint32),
    )


_Printer = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_INT, _U32, _U64, _PTR, _STR = (
    ctypes.c_int,
    ctypes.c_uint32,
    ctypes.c_uint64,
    ctypes.c_void_p,
    ctypes.c_char_p,
)
_HOOK, _OPTIONS = ctypes.POINTER(TcHook), ctypes.POINTER(TcOptions)

_SIGNATURES: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "libbpf_set_print": (_PTR, (_Printer,)),
    "bpf_object__open_file": (_PTR, (_STR, _PTR)),
    "bpf_object__load": (_INT, (_PTR,)),
    "bpf_object__close": (None, (_PTR,)),
    "bpf_object__find_map_by_name": (_PTR, (_PTR, _STR)),
    "bpf_object__find_program_by_name": (_PTR, (_PTR, _STR)),
    "bpf_map__set_max_entries": (_INT, (_PTR, _U32)),
    "bpf_map__fd": (_INT, (_PTR,)),
    "bpf_program__fd": (_INT, (_PTR,)),
    "bpf_map_update_elem": (_INT, (_INT, _PTR, _PTR, _U64)),
    "bpf_map_lookup_elem": (_INT, (_INT, _PTR, _PTR)),
    "bpf_map_delete_elem": (_INT, (_INT, _PTR)),
    "bpf_map_get_next_key": (_INT, (_INT, _PTR, _PTR)),
    "bpf_tc_hook_create": (_INT, (_HOOK,)),
    "bpf_tc_attach": (_INT, (_HOOK, _OPTIONS)),
    "bpf_tc_detach": (_INT, (_HOOK, _OPTIONS)),
    "bpf_tc_query": (_INT, (_HOOK, _OPTIONS)),
}

_log: deque[str] = deque(maxlen=LOG_LINES)


def _keep_warning(level: int, form: bytes, arguments: int) -> int:
    """Keeps the last lines of libbpf's warnings; the verifier's log comes as one of them."""
    if level > 0:  # enum libbpf_print_level: 0 is a warning, above are information and debugging
        return 0
    line = ctypes.create_string_buffer(_LOG_LINE_OCTETS)
    _libc().vsnprintf(line, len(line), form, arguments)
    _log.extend(line.value.decode(errors="replace").splitlines())
    return 0


_print = _Printer(_keep_warning)  # kept for ever: libbpf has no way to let go of it


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None)
    libc.vsnprintf.restype = ctypes.c_int
    libc.vsnprintf.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p)
    return libc


@functools.cache
def library(name: str = "libbpf.so.1") -> ctypes.CDLL:
    """The shared library, its functions' types set. Raises KernelError where it is absent or too old."""
    try:
        found = ctypes.CDLL(name, use_errno=True)
        for function, (result, arguments) in _SIGNATURES.items():
            entry = getattr(found, function)
            entry.restype, entry.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise KernelError(f"{name} cannot be used: {error}", _INSTALL) from error
    found.libbpf_set_print(_print)
    return found


def check(result: int, doing: str) -> int:
    """Raise KernelError, with the end of libbpf's log, for a negative result."""
    if result >= 0:
        return result
    log = "\n".join(_log)
    denied = -result in (errno.EPERM, errno.EACCES)
    what = f"{doing}: {os.strerror(-result)}" + (f"\nlibbpf said:\n{log}" if log else "")
    raise KernelError(what, _CAPABILITIES if denied else "Linux 5.12 or later with CONFIG_BPF_SYSCALL is needed")


class BpfObject:
    """A compiled object. Closing it lets go of descriptors only: what is attached stays attached."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises KernelError."""
        self._lib = library()
        _log.clear()
        self._object = self._lib.bpf_object__open_file(str(path).encode(), None)
        if not self._object:
            check(-ctypes.get_errno() or -errno.EINVAL, f"cannot open {path}")

    def resize(self, name: str, entries: int) -> None:
        """Set how many entries a map has; before load()."""
        check(self._lib.bpf_map__set_max_entries(self._map(name), entries), f"cannot size the map {name}")

    def load(self) -> None:
        """Create the maps and have the verifier accept the programs. Raises KernelError."""
        check(self._lib.bpf_object__load(self._object), "the kernel refuses the gate's programs")

    def map_fd(self, name: str) -> int:
        """The descriptor of a map; this object owns it."""
        return check(self._lib.bpf_map__fd(self._map(name)), f"the map {name} is not loaded")

    def program_fd(self, name: str) -> int:
        """The descriptor of a program; this object owns it."""
        program = self._lib.bpf_object__find_program_by_name(self._object, name.encode())
        if not program:
            raise KernelError(f"the object has no program {name}", "build it again: python -m node.kernel.build")
        return check(self._lib.bpf_program__fd(program), f"the program {name} is not loaded")

    def close(self) -> None:
        """Close every descriptor. Attached programs and their maps live on in the kernel."""
        self._lib.bpf_object__close(self._object)
        self._object = None

    def _map(self, name: str) -> int:
        found: int | None = self._lib.bpf_object__find_map_by_name(self._object, name.encode())
        if not found:
            raise KernelError(f"the object has no map {name}", "build it again: python -m node.kernel.build")
        return found


def update(map_fd: int, key: bytes, value: bytes, flags: int = ANY) -> None:
    """Write one entry. Raises KernelError (a full map says "Argument list too long", E2BIG)."""
    check(library().bpf_map_update_elem(map_fd, key, value, flags), "cannot write to a map")


def lookup(map_fd: int, key: bytes, value_octets: int) -> bytes | None:
    """A copy of one entry, None when there is none."""
    value = ctypes.create_string_buffer(value_octets)
    return value.raw if library().bpf_map_lookup_elem(map_fd, key, value) == 0 else None


def delete(map_fd: int, key: bytes) -> bool:
    """Remove one entry; whether there was one."""
    return bool(library().bpf_map_delete_elem(map_fd, key) == 0)


def keys(map_fd: int, key_octets: int) -> Iterator[bytes]:
    """Every key. An entry added or removed meanwhile may be missed, or seen twice."""
    following = ctypes.create_string_buffer(key_octets)
    key: bytes | None = None
    while library().bpf_map_get_next_key(map_fd, key, following) == 0:
        key = following.raw
        yield key


def clear(map_fd: int, key_octets: int) -> None:
    """Remove every entry."""
    for key in list(keys(map_fd, key_octets)):
        delete(map_fd, key)


def attach(ifindex: int, point: int, program_fd: int, *, handle: int, priority: int) -> int:
    """Attach to an interface's clsact, in place of what has this handle and priority; the program's id.

    Creates the clsact where there is none. Raises KernelError.
    """
    lib = library()
    hook = _hook(ifindex, point)
    created = lib.bpf_tc_hook_create(ctypes.byref(hook))
    if created != -errno.EEXIST:
        check(created, f"cannot create clsact on interface {ifindex}")
    options = _options(handle, priority)
    options.prog_fd, options.flags = program_fd, TC_REPLACE
    check(lib.bpf_tc_attach(ctypes.byref(hook), ctypes.byref(options)), f"cannot attach to interface {ifindex}")
    return int(options.prog_id)


def attached(ifindex: int, point: int, *, handle: int, priority: int) -> int | None:
    """The id of the program that has this handle and priority on an interface."""
    options = _options(handle, priority)
    if library().bpf_tc_query(ctypes.byref(_hook(ifindex, point)), ctypes.byref(options)):
        return None
    return int(options.prog_id)


def detach(ifindex: int, point: int, *, handle: int, priority: int) -> None:
    """Remove the filter that has this handle and priority. Raises KernelError."""
    hook, options = _hook(ifindex, point), _options(handle, priority)
    result = library().bpf_tc_detach(ctypes.byref(hook), ctypes.byref(options))
    check(result, f"cannot detach from interface {ifindex}")


def _hook(ifindex: int, point: int) -> TcHook:
    return TcHook(ctypes.sizeof(TcHook), ifindex, point, 0)


def _options(handle: int, priority: int) -> TcOptions:
    return TcOptions(ctypes.sizeof(TcOptions), 0, 0, 0, handle, priority)
