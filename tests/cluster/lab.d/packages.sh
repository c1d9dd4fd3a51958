# shellcheck shell=bash
# What a bare Debian 12 lacks.

PACKAGES=(
  pacemaker pacemaker-cli-utils corosync corosync-qdevice corosync-qnetd crmsh pcs resource-agents
  mariadb-server mariadb-backup galera-4 galera-arbitrator-4
  rsync stunnel4 socat tini libxml2-utils nftables iproute2 iputils-ping iputils-arping
  procps psmisc lsof strace util-linux python3 python3-pymysql
  booth booth-pacemaker
  gcc libc6-dev shellcheck
  debhelper lintian rpm rpmlint chromium
)
POLICY=/usr/sbin/policy-rc.d

missing_packages() {
  local package
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || echo "$package"
  done
}

# Debian starts a daemon when it installs it, unless this file says no.
keep_daemons_from_starting() {
  [ ! -e "$POLICY" ] || return 0
  trap 'rm -f "$POLICY"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
}

verb_install() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  keep_daemons_from_starting
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends --no-upgrade \
    -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
}

verb_check() {
  local missing
  missing=$(missing_packages)
  [ -z "$missing" ] || die "missing packages (lab install brings them): ${missing//$'\n'/ }"
}
