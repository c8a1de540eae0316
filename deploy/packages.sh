#!/usr/bin/env bash
# Installs what the build needs (deploy/packages.sh run) or also what the tests need (deploy/packages.sh test).
# Says what is missing before it installs it; changes nothing when nothing is missing.
# deploy/packages.sh mirror SUITE prints URI<TAB>KEY of the source that this machine has for a suite, or fails.
set -euo pipefail

readonly SQLCIPHER_MIN=4.5.6
# The sanitizers' libraries: of clang's version, which is part of the package's name.
readonly CLANG_RUNTIME=libclang-rt-N-dev

run_packages=(cmake gcc libc6-dev libinih-dev libjansson-dev libsqlcipher-dev libssl-dev libzstd-dev
	ninja-build pkg-config sqlite3 tzdata zlib1g-dev)
test_packages=(clang "$CLANG_RUNTIME" libcmocka-dev python3 python3-aiosqlite python3-alembic python3-sqlalchemy)

say()
{
	printf 'packages: %s\n' "$*"
}

die()
{
	printf 'packages: %s\n' "$*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -- "$@"
	else
		die "'$*' needs root: run this as root, or install sudo"
	fi
}

apt()
{
	local quiet=()
	if [ "${CI:-}" = true ]; then
		quiet=(-qq -o Dpkg::Use-Pty=0)
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get "${quiet[@]}" -o DPkg::Lock::Timeout=300 "$@"
}

installed_version()
{
	dpkg-query -W -f '${db:Status-Abbrev}${Version}\n' "$1" 2>/dev/null | sed -n 's/^ii //p' | head -n 1
}

# The highest version of a package that the configured sources offer.
offered_version()
{
	apt-cache madison "$1" | awk -F ' *\\| *' '$3 ~ / Packages$/ { print $2; exit }'
}

# The version that apt would take by itself.
apt_candidate()
{
	apt-cache policy "$1" | sed -n 's/^ *Candidate: //p'
}

new_enough()
{
	[ -n "$1" ] && [ "$1" != "(none)" ] && dpkg --compare-versions "$1" ge "$SQLCIPHER_MIN"
}

# Empty while apt knows no clang.
clang_runtime()
{
	apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p' | head -n 1 || true
}

is_installed()
{
	local name=$1
	[ "$name" != "$CLANG_RUNTIME" ] || name=$(clang_runtime)
	if [ "$name" = libsqlcipher-dev ]; then
		new_enough "$(installed_version "$name")"
	else
		[ -n "$name" ] && [ -n "$(installed_version "$name")" ]
	fi
}

missing()
{
	local name
	for name in "$@"; do
		is_installed "$name" || printf '%s\n' "$name"
	done
}

# Prints "URI<TAB>Signed-By" of the machine's own source of a suite; understands *.sources and *.list.
# A key written into the stanza itself comes out with "\n" where its lines end.
source_of_suite()
{
	local suite=$1 files LIST PARTS
	eval "$(apt-config shell LIST Dir::Etc::sourcelist/f PARTS Dir::Etc::sourceparts/d)"
	files=$(find "$LIST" "$PARTS" -maxdepth 1 -type f \( -name '*.list' -o -name '*.sources' \) 2>/dev/null |
		sort) || true
	# shellcheck disable=SC2086 # one name a word: apt itself ignores names with blanks
	[ -z "$files" ] || awk -v suite="$suite" '
		function has(list, word,   i, n, parts) {
			n = split(list, parts, " ")
			for (i = 1; i <= n; i++)
				if (parts[i] == word)
					return 1
			return 0
		}
		function found(uri, key) {
			if (!done && uri !~ /^cdrom:/)
				printf "%s\t%s\n", uri, key
			done = 1
		}
		function stanza_end(   uris) {
			if (has(f["types"], "deb") && has(f["suites"], suite) && has(f["components"], "main") &&
			    tolower(f["enabled"]) !~ /^(no|false|0|off|without|disable)$/) {
				split(f["uris"], uris, " ")
				found(uris[1], f["signed-by"])
			}
			delete f
			name = ""
		}
		function deb822(line) {
			if (line ~ /^[ \t]*$/)
				stanza_end()
			else if (line ~ /^[ \t]/)
				f[name] = f[name] (name == "signed-by" ? "\\n" : " ") line
			else if (line !~ /^#/) {
				name = tolower(substr(line, 1, index(line, ":") - 1))
				f[name] = substr(line, index(line, ":") + 1)
				sub(/^[ \t]+/, "", f[name])
				sub(/[ \t]+$/, "", f[name])
			}
		}
		function oneline(line,   key, n, p) {
			sub(/#.*/, "", line)
			if (line !~ /^[ \t]*deb[ \t]/)
				return
			sub(/^[ \t]*deb[ \t]+/, "", line)
			if (line ~ /^\[/) {
				key = substr(line, 2, index(line, "]") - 2)
				line = substr(line, index(line, "]") + 1)
				key = key ~ /signed-by=/ ? key : ""
				sub(/.*signed-by=/, "", key)
				sub(/[ \t].*/, "", key)
			}
			n = split(line, p, " ")
			if (p[2] == suite && has(line, "main"))
				found(p[1], key)
		}
		FNR == 1 { stanza_end() }
		FILENAME ~ /\.sources$/ { deb822($0); next }
		{ oneline($0) }
		END { stanza_end() }' $files
}

add_backports()
{
	local release=$1 suite=$1-backports uri key file PARTS
	if [ -n "$(source_of_suite "$suite")" ]; then
		say "$suite is a source of this machine already"
		return
	fi
	IFS=$'\t' read -r uri key <<<"$(source_of_suite "$release")" || true
	[ -n "$uri" ] || die "no source of '$release main' in /etc/apt: add one, this takes $suite from the same mirror"
	eval "$(apt-config shell PARTS Dir::Etc::sourceparts/d)"
	file=${PARTS%/}/$suite.sources
	say "adding $suite from $uri ($file)"
	{
		printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$suite"
		[ -z "$key" ] || printf 'Signed-By: %s\n' "${key//\\n/$'\n'}"
	} | as_root tee "$file" >/dev/null
	apt update
}

# The release's own libsqlcipher may be too old; prints how apt must be asked for one that is not.
sqlcipher_wanted()
{
	local release=$1
	if new_enough "$(apt_candidate libsqlcipher-dev)"; then
		printf 'libsqlcipher-dev\n'
		return
	fi
	if ! new_enough "$(offered_version libsqlcipher-dev)"; then
		[ "$release" = bookworm ] || die "libsqlcipher-dev >= $SQLCIPHER_MIN is needed," \
			"this system offers '$(offered_version libsqlcipher-dev)'"
		add_backports "$release" >&2
	fi
	new_enough "$(offered_version libsqlcipher-dev)" ||
		die "$release-backports has no libsqlcipher-dev >= $SQLCIPHER_MIN: is the mirror complete?"
	printf 'libsqlcipher-dev/%s-backports\n' "$release"
}

main()
{
	local name release sqlcipher source wanted=() names=("${run_packages[@]}")
	case "${1:-}" in
	run) ;;
	test) names+=("${test_packages[@]}") ;;
	mirror)
		source=$(source_of_suite "${2:?which suite, such as bookworm?}")
		[ -n "$source" ] || die "this machine has no source of '$2 main'"
		printf '%s\n' "$source"
		return
		;;
	*) die "usage: deploy/packages.sh run|test|mirror SUITE" ;;
	esac
	command -v apt-get >/dev/null ||
		die "this installs on Debian 12 and 13; elsewhere install what these packages hold: ${names[*]}"
	# shellcheck disable=SC1091 # of the machine
	release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-unknown}")

	# shellcheck disable=SC2207 # names without blanks; <(...) needs /dev/fd, which a bare chroot has not
	wanted=($(missing "${names[@]}"))
	if [ "${#wanted[@]}" -eq 0 ]; then
		say "nothing to install"
		return
	fi
	say "missing: ${wanted[*]}"
	apt update
	if [[ " ${wanted[*]} " == *" libsqlcipher-dev "* ]]; then
		sqlcipher=$(sqlcipher_wanted "$release")
		wanted=("${wanted[@]/#libsqlcipher-dev/$sqlcipher}")
	fi
	if [[ " ${wanted[*]} " == *" $CLANG_RUNTIME "* ]]; then
		name=$(clang_runtime)
		[ -n "$name" ] || die "cannot tell which libclang-rt-N-dev belongs to clang of $release"
		wanted=("${wanted[@]/#$CLANG_RUNTIME/$name}")
	fi
	apt install -y --no-install-recommends "${wanted[@]}"
	say "installed"
}

main "$@"
