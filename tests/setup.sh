#!/bin/sh
# Installs from the distribution what building and testing need.  Does nothing when all is there.
set -eu
packages="gcc make pkg-config libevent-dev libcurl4-openssl-dev libjansson-dev libssl-dev libsqlite3-dev
libyaml-dev libexpat1-dev libsystemd-dev check curl ${PB_EXTRA_PACKAGES:-}"
command -v dpkg-query >/dev/null 2>&1 || exit 0 # not Debian: the compiler will name what is missing
missing=
for p in $packages; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
as=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || { echo "missing:$missing; run as root: apt-get install$missing" >&2; exit 1; }
	as=sudo
fi
echo "installing:$missing"
$as apt-get update -qq
$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
