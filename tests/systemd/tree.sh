#!/bin/bash
# tree.sh FOLDER: makes FOLDER, a small Debian with systemd and what playbookd links, unless it is there
# already, made from the same list.  Needs root and mmdebstrap.
set -eu
folder=$1
packages=systemd,systemd-sysv,dbus,procps,curl,libcurl4,libjansson4,libevent-2.1-7,libevent-pthreads-2.1-7,libsqlite3-0,libyaml-0-2,libexpat1,libssl3
[ "$(cat "$folder/.made-of" 2>/dev/null)" = "$packages" ] && exit 0
echo "making a Debian with systemd in $folder (once)"
rm -rf "$folder" "$folder.part"
mkdir -p "$(dirname "$folder")"
mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$folder.part"
rm -f "$folder.part"/etc/systemd/system/getty.target.wants/*
ln -sf /dev/null "$folder.part/etc/systemd/system/console-getty.service"
printf '%s' "$packages" >"$folder.part/.made-of"
mv "$folder.part" "$folder"
