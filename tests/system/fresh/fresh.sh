#!/usr/bin/env bash
# Runs deploy/run.sh and deploy/test.sh in minimal fresh Debian systems, so that no forgotten package hides.
#
#	fresh.sh [SUITE..]        bookworm and trixie without arguments
#
# Needs root and debootstrap. The mirror is the machine's own; the bare systems are kept in $MQ_FRESH_CACHE
# (/var/tmp/mq-worker-fresh) so that a second run downloads only packages. Exit status 77: cannot run here.
set -euo pipefail

tree=$(cd "$(dirname "$0")/../../.." && pwd)
cache=${MQ_FRESH_CACHE:-/var/tmp/mq-worker-fresh}
root=
failed=0

skip()
{
	printf 'SKIP: %s\n' "$*"
	exit 77
}

cleanup()
{
	# Mounts live in the namespaces of the commands inside and are gone with them.
	[ -z "$root" ] || rm -rf --one-file-system "$root"
	root=
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

check_machine()
{
	[ "$(id -u)" -eq 0 ] || skip "only root can make a fresh system: run this as root"
	command -v debootstrap >/dev/null || skip "debootstrap is missing: apt-get install debootstrap"
	unshare --mount --pid --fork true 2>/dev/null || skip "this machine does not allow mount namespaces (unshare)"
	# shellcheck disable=SC1091 # of the machine
	mirror=$("$tree/deploy/packages.sh" mirror "$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")") ||
		skip "no Debian mirror in this machine's apt configuration"
	mirror=${mirror%%$'\t'*}
	mkdir -p "$cache"
}

# The bare system of a suite as $cache/SUITE.tar.gz.
bootstrap()
{
	local suite=$1 tarball=$cache/$1.tar.gz
	if [ ! -e "$tarball" ]; then
		root=$(mktemp -d "$cache/root.XXXXXX")
		debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$cache/$suite.debootstrap.log" 2>&1 ||
			{ tail -n 20 "$cache/$suite.debootstrap.log"; return 1; }
		tar -C "$root" -c --exclude './var/cache/apt/archives/*.deb' . | gzip -1 >"$tarball.new"
		mv "$tarball.new" "$tarball"
		cleanup
	fi
	root=$(mktemp -d "$cache/root.XXXXXX")
	tar -C "$root" -xzf "$tarball"
	# As of a real root: apt downloads as a user of its own.
	chmod 0755 "$root"
}

# How this machine reaches its mirror: name resolution, and apt's own settings for transport.
connect()
{
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-Valid-Until|Check-Date)\b' \
		>"$root/etc/apt/apt.conf.d/90machine" || true
}

# The working tree as it is, without what is ignored.
copy_tree()
{
	mkdir -p "$root/src"
	(cd "$tree" && git ls-files -z --cached --others --exclude-standard | xargs -0 -r ls -d 2>/dev/null |
		tar -c --no-recursion -T - | tar -x -C "$root/src")
}

# Runs a command in the tree inside the fresh system.
inside()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --pid --fork --kill-child sh -euc '
		mount --make-rprivate /
		mount -t proc proc "$0/proc"
		mount --rbind /dev "$0/dev"
		root=$0
		exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin CI=true \
			sh -c "cd /src && exec \"\$@\"" sh "$@"' "$root" "$@"
}

step()
{
	local suite=$1 what=$2 began=$SECONDS log=$cache/$1.log
	shift 2
	if inside "$@" >"$log" 2>&1; then
		printf 'PASS %s: %s (%d s)\n' "$suite" "$what" $((SECONDS - began))
	else
		printf 'FAIL %s: %s, its last lines (all in %s):\n' "$suite" "$what" "$log"
		tail -n 60 "$log"
		failed=1
		return 1
	fi
}

# A second run of everything must find its work done and keep what is there.
check_suite()
{
	local suite=$1
	bootstrap "$suite" || { printf 'FAIL %s: debootstrap\n' "$suite"; failed=1; return; }
	connect
	copy_tree
	step "$suite" "deploy/run.sh" deploy/run.sh || return 0
	step "$suite" "exports are there" sh -c 'find data/exports -name "*.csv" | grep -q .' || return 0
	step "$suite" "deploy/run.sh again" deploy/run.sh || return 0
	step "$suite" "nothing is installed twice" \
		sh -c 'deploy/packages.sh run | grep -q "nothing to install"' || return 0
	step "$suite" "deploy/test.sh" deploy/test.sh || return 0
	cleanup
}

main()
{
	local suite
	check_machine
	[ $# -gt 0 ] || set -- bookworm trixie
	for suite in "$@"; do
		check_suite "$suite"
		cleanup
	done
	return "$failed"
}

main "$@"
