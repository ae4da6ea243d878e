# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What quickstart and run-tests share: the packages, progress, the build. Sourced, not run.

# What building and running needs.
BUILD_PACKAGES=(g++ cmake ninja-build pkg-config libhiredis-dev libnl-3-dev libnftables-dev libboost-dev libspdlog-dev
  libexpected-dev nlohmann-json3-dev libsystemd-dev libcurl4-gnutls-dev libgtest-dev libgmock-dev)
RUN_PACKAGES=(redis-server iproute2 nftables iputils-ping procps python3 busybox)
# What the tests need on top.
TEST_PACKAGES=(squid clang libclang-rt-dev clang-format clang-tidy shellcheck git systemd systemd-sysv systemd-container dbus lighttpd util-linux
  tcpdump conntrack isc-dhcp-client radvd msmtp man-db lintian chromium chromium-driver python3-selenium keepalived jq
  fonts-dejavu-core nginx-light fcgiwrap apache2-bin)

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# step TEXT COMMAND...: runs the command with its output in a log, shows that it goes on and how long it took.
step() {
  local text=$1 log start=$SECONDS pid status=0
  shift
  log=$(mktemp "${TMPDIR:-/tmp}/multilink-step.XXXXXX")
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  if [ -t 2 ]; then
    while kill -0 "$pid" 2>/dev/null; do
      printf '\r  %s ... %d s ' "$text" "$((SECONDS - start))" >&2
      sleep 0.5
    done
    printf '\r' >&2
  fi
  wait "$pid" || status=$?
  if [ "$status" != 0 ]; then
    say "  $text: failed after $((SECONDS - start)) s. The last lines of its output:"
    tail -n 40 "$log" >&2
    rm -f "$log"
    return "$status"
  fi
  say "  $text: done in $((SECONDS - start)) s      "
  rm -f "$log"
}

need_root() { [ "$(id -u)" = 0 ] || die "needs root, for network namespaces and raw sockets: sudo $0"; }

# install PACKAGE...: those that are missing, without starting any service.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return 0
  command -v apt-get >/dev/null || die "these packages are missing, and there is no apt-get here: ${missing[*]}"
  step "refreshing the list of packages" apt-get -q update
  step "installing ${#missing[@]} packages" quiet_install "${missing[@]}"
}

# A bare tree may have no /etc/hosts at all; tests use the name.
know_localhost() {
  getent hosts localhost >/dev/null && return 0
  say "  localhost is not known here: 127.0.0.1 goes into /etc/hosts"
  echo "127.0.0.1 localhost" >>/etc/hosts
}

# A package's service must not start here: the tests run their own instances, each in a namespace of its own.
quiet_install() {
  local guard=/usr/sbin/policy-rc.d made=0 status=0
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
    made=1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" || status=$?
  # Nor at the next boot: who has not had Squid has not asked for one on port 3128.
  case " $* " in *' squid '*) systemctl --quiet disable squid.service || say "  squid.service could not be disabled" ;; esac
  [ "$made" = 0 ] || rm -f "$guard"
  return "$status"
}

download() { apt-get -q -o APT::Sandbox::User=root download "$@"; }

# unpack FOLDER MEMBER PACKAGE...: of the packages' files, MEMBER (./: all of them) into FOLDER. Nothing is installed.
unpack() {
  local folder=$1 member=$2 packages package status=0
  shift 2
  packages=$(mktemp -d "${TMPDIR:-/tmp}/multilink-packages.XXXXXX")
  # Where nothing was missing the list of packages may be old, or not there at all.
  (cd "$packages" && { download "$@" || { apt-get -q update && download "$@"; }; }) || status=$?
  for package in "$packages"/*.deb; do
    [ "$status" != 0 ] || dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder" "$member" || status=$?
  done
  rm -rf "$packages"
  return "$status"
}

# promtool alone, into build/tools: its package would bring a server that runs from the next boot on.
fetch_promtool() {
  local tools=$PWD/build/tools folder status=0
  [ ! -x "$tools/promtool" ] || return 0
  mkdir -p "$tools"
  folder=$(mktemp -d "$tools/promtool.XXXXXX")
  unpack "$folder" ./usr/bin/promtool prometheus && mv "$folder/usr/bin/promtool" "$tools/promtool" || status=$?
  rm -rf "$folder"
  return "$status"
}

# ifupdown and NetworkManager, with the libraries that nothing else here needs, into build/tools/neighbours: installed they
# would set up this machine's network from the next boot on.
fetch_neighbours() {
  local folder=$PWD/build/tools/neighbours
  [ ! -d "$folder" ] || return 0
  rm -rf "$folder.new"
  mkdir -p "$folder.new"
  unpack "$folder.new" ./ ifupdown network-manager libnm0 libndp0 && mv "$folder.new" "$folder"
}

# The accessibility checker of the tests in a browser, into build/tools/browser.
fetch_axe() {
  local tools=$PWD/build/tools/browser
  ! cmp -s tests/browser/package-lock.json "$tools/package-lock.json" || [ ! -d "$tools/node_modules/axe-core" ] || return 0
  mkdir -p "$tools"
  cp tests/browser/package.json tests/browser/package-lock.json "$tools" && npm --prefix "$tools" ci --ignore-scripts
}

# configure PRESET [CMAKE OPTION...]
configure() { step "configuring ($1)" cmake --preset "$@"; }

# build PRESET [TARGET...]: what was configured.
build() {
  local preset=$1
  shift
  step "building ($preset; a few minutes the first time)" cmake --build --preset "$preset" ${1:+--target "$@"}
}
