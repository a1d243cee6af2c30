#!/usr/bin/env bash
# Install what the demo or the tests need and this machine lacks: Debian packages, and a virtual environment in .venv.
#   scripts/setup.sh [--demo|--bench|--test]
# With TANDEM_PYTHON set, that interpreter is used as it is and nothing is installed for Python.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:---test}
case $kind in
--demo) extra=demo packages=(iproute2 libbpf1 python3-venv) ;;
--bench) extra=demo packages=(iproute2 libbpf1 python3-venv haproxy tshark) ;;
--test)
    extra=test
    packages=(iproute2 libbpf1 python3-venv tcpdump tshark haproxy clang llvm libbpf-dev systemd libseccomp2
        chromium chromium-driver
        prometheus rsyslog rsyslog-openssl openssl etcd-server) # for promtool, rsyslogd, etcd; none is left running
    ;;
*) echo "usage: scripts/setup.sh [--demo|--bench|--test]" >&2 && exit 2 ;;
esac

say() { printf 'setup: %s\n' "$*" >&2; }

installed() { [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]; }

# The tests start etcd themselves; its service is none of their business.
leave_etcd_alone() {
    command -v systemctl >/dev/null || return 0
    systemctl disable --quiet etcd >&2
    [[ ! -d /run/systemd/system ]] || systemctl stop etcd
}

install_packages() {
    command -v dpkg-query >/dev/null || { say "not a Debian system; needed: ${packages[*]}" && return; }
    local missing=() package
    for package in "${packages[@]}"; do
        if [[ $package == python3-venv && -n ${TANDEM_PYTHON:-} ]]; then continue; fi
        installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        say "not root, so these packages stay missing: ${missing[*]}"
        return
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    if [[ " ${missing[*]} " == *" etcd-server "* ]]; then leave_etcd_alone; fi
}

install_python() {
    [[ -z ${TANDEM_PYTHON:-} ]] || return 0
    local stamp=.venv/installed-$extra wanted
    wanted=$(sha256sum pyproject.toml)
    [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && return
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        say "Python 3.11 or later is needed; this is $(python3 --version)"
        exit 2
    fi
    say "installing Python packages into .venv"
    [[ -x .venv/bin/python ]] || python3 -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extra]" >&2
    printf '%s' "$wanted" >"$stamp"
}

# As Python does at first use, unless it is told not to (PYTHONDONTWRITEBYTECODE): else each start compiles it all anew.
compile_python() { "${TANDEM_PYTHON:-.venv/bin/python}" -m compileall -q inspector node protocol >&2 || say "not compiled"; }

install_packages
install_python
compile_python
