"""Become what a systemd unit makes of a process, then run a command: user, capabilities, limits, system calls.

    python3 -I confine.py RULES COMMAND...      RULES is a JSON file that scripts/lab/unit.py wrote

It runs inside the host that it confines, so it needs nothing but Python, libc and libseccomp.
"""

import ctypes
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, Final

PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 8, 24, 38, 47  # linux/prctl.h
PR_CAP_AMBIENT_RAISE = 2
CAPABILITIES_MAX: Final = 64
CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

SCMP_ACT_ALLOW = 0x7FFF0000  # seccomp.h
SCMP_ACT_ERRNO = 0x00050000
SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ = 4, 7
EPERM, ENOSYS = 1, 38
PROT_WRITE, PROT_EXEC, SHM_EXEC = 0x2, 0x4, 0o100000
CLONE_NAMESPACES = 0x7E020080  # CLONE_NEW* of linux/sched.h

libc = ctypes.CDLL(None, use_errno=True)


class Compare(ctypes.Structure):
    """struct scmp_arg_cmp"""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def masked(arg: int, mask: int, value: int) -> Compare:
    """An argument that is `value` where `mask` is set."""
    return Compare(arg, SCMP_CMP_MASKED_EQ, mask, value)


class Filter:
    """The system calls that may be made; of some, with which arguments. All others fail with EPERM."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(SCMP_ACT_ERRNO | EPERM))

    def allow(self, name: str, *comparisons: Compare, action: int = SCMP_ACT_ALLOW) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # of another architecture
        rules = (Compare * len(comparisons))(*comparisons)
        done = self._library.seccomp_rule_add_array(self._context, action, number, len(comparisons), rules)
        if done != 0:
            raise OSError(-done, f"a rule for {name}")

    def load(self) -> None:
        if (done := self._library.seccomp_load(self._context)) != 0:
            raise OSError(-done, "the filter")


def choose_capabilities(kept: list[int]) -> None:
    """Drop all others from the bounding set; the kept ones must be raised again after the user has changed."""
    for number in range(CAPABILITIES_MAX):
        if number not in kept:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)


def raise_capabilities(kept: list[int]) -> None:
    """Permitted, effective, inheritable and ambient: exactly these."""
    words = [sum(1 << (number - low) for number in kept if low <= number < low + 32) for low in (0, 32)]
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(*(word for word in words for _ in range(3)))
    _done(libc.capset(header, data), "capset")
    for number in kept:
        _done(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0), f"ambient capability {number}")


def _done(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def calls(rules: dict[str, Any]) -> Filter:
    """The unit's SystemCallFilter, RestrictAddressFamilies, RestrictNamespaces and MemoryDenyWriteExecute."""
    made = Filter()
    special = {"socket", "mmap", "mprotect", "pkey_mprotect", "shmat", "clone", "clone3", "unshare", "setns"}
    for name in set(rules["syscalls"]) - special:
        made.allow(name)
    for family in rules["families"]:
        made.allow("socket", Compare(0, SCMP_CMP_EQ, family, 0))
    for protection in (0, PROT_WRITE, PROT_EXEC):
        made.allow("mmap", masked(2, PROT_WRITE | PROT_EXEC, protection))
    for name in ("mprotect", "pkey_mprotect"):
        made.allow(name, masked(2, PROT_EXEC, 0))
    made.allow("shmat", masked(2, SHM_EXEC, 0))
    made.allow("clone", masked(0, CLONE_NAMESPACES, 0))
    made.allow("clone3", action=SCMP_ACT_ERRNO | ENOSYS)
    return made


def limit_to(kind: int, wanted: int) -> None:
    """Set a limit, or keep the one that there is where even root may not raise it (CAP_SYS_RESOURCE)."""
    try:
        resource.setrlimit(kind, (wanted, wanted))
    except ValueError:
        return


def main() -> None:
    rules = json.loads(Path(sys.argv[1]).read_text())
    for name, limit in rules["limits"].items():
        limit_to(getattr(resource, f"RLIMIT_{name}"), limit)
    os.umask(rules["umask"])
    filter_ = calls(rules)
    choose_capabilities(rules["capabilities"])
    os.setgroups([])
    os.setresgid(*[rules["gid"]] * 3)
    os.setresuid(*[rules["uid"]] * 3)
    raise_capabilities(rules["capabilities"])
    _done(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    filter_.load()
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
