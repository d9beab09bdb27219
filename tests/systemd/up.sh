#!/bin/bash
# up.sh NAME ROOT: boots ROOT's systemd as process 1 of new namespaces, without containers or a virtual
# machine, and prints its pid.  What it says goes to ROOT.log.
# down: kill -9 PID, then up.sh --down NAME.
#
# systemd needs cgroups of its own: the process joins a new one in each hierarchy before it makes the
# cgroup namespace, which is then rooted there.  On a host with the old hierarchies beside the unified
# one it takes both, as the host does; on a host with cgroup2 alone the unified one.
set -eu
hierarchies() {
	local h
	if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
		echo /sys/fs/cgroup/
		return
	fi
	for h in /sys/fs/cgroup/*/; do
		if mountpoint -q "$h"; then echo "$h"; fi
	done
}
if [ "$1" = --down ]; then
	sleep 0.5 # until the kernel has let go of what was killed
	for h in $(hierarchies); do
		[ ! -d "$h$2" ] || find "$h$2" -depth -type d -exec rmdir {} +
	done
	exit 0
fi
name=$1 root=$(realpath "$2")
mode=hybrid
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] && mode=unified
join() {
	local h
	for h in $(hierarchies); do
		mkdir -p "$h$name"
		if [ $mode = hybrid ] && [ -e "$h$name/cpuset.cpus" ]; then
			cat "${h}cpuset.cpus" >"$h$name/cpuset.cpus"
			cat "${h}cpuset.mems" >"$h$name/cpuset.mems"
		fi
		echo $BASHPID >"$h$name/cgroup.procs"
	done
}
(
	join
	exec setsid unshare --fork --pid --mount --uts --ipc --net --cgroup --kill-child=SIGKILL bash -c '
    set -e; root=$1 mode=$2
    ip link set lo up
    mount --make-rprivate /
    mount --bind "$root" "$root"; cd "$root"
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs tmpfs tmp
    mount -t tmpfs -o mode=755 tmpfs dev
    for n in null zero full random urandom tty; do : >dev/$n; mount --bind /dev/$n dev/$n; done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts; ln -s pts/ptmx dev/ptmx
    mount -t tmpfs tmpfs dev/shm
    ln -s /proc/self/fd dev/fd; for i in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/${i%:*} dev/${i#*:}; done
    mkdir -p .old; pivot_root . .old; umount -l /.old; rmdir /.old
    [ "$mode" = hybrid ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount --make-rshared /
    exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --show-status=0 --unit=multi-user.target
  ' _ "$root" $mode </dev/null >"$root.log" 2>&1
) &
for _ in $(seq 150); do
	sleep 0.2
	p=
	for h in $(hierarchies); do
		p=$(head -1 "$h$name/init.scope/cgroup.procs" 2>/dev/null || true)
		[ -z "$p" ] || break
	done
	if [ -n "$p" ] && nsenter -t "$p" -a systemctl is-system-running 2>/dev/null | grep -qE '^(running|degraded)'; then
		echo "$p"
		exit 0
	fi
done
echo "systemd did not come up within 30 s:" >&2
tail -n 20 "$root.log" >&2
exit 1
