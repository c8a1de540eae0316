#!/usr/bin/env bash
# From a fresh Debian to finished reports: installs packages, builds, makes ./data with a demo database of the
# application, queues jobs, runs the pool until nothing is left, and shows what came out.
# Run it again at any time: what is there is kept, the same jobs are queued once more.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly database=data/magnetiq.db
readonly program=build/release/worker/cmd/mq-worker

# The demo stays in ./data, whatever this shell or this machine is configured for.
unset DATA_DIR DATABASE_URL UPLOADS_DIR EXPORTS_DIR BACKUPS_DIR LOGS_DIR CACHE_DIR TEMP_DIR LOGS_LEVEL LOG_LEVEL \
	CACHE_ENABLED BACKUP_ENABLED ENCRYPTION_ENABLED
export MQ_CONFIG=deploy/demo/demo.conf

say()
{
	printf '\n== %s\n' "$*"
}

# A word as one would type it in a shell.
quoted()
{
	case $1 in
	'' | *[!a-zA-Z0-9_./:=,@%+-]*)
		case $1 in
		*\'*) printf ' "%s"' "$1" ;;
		*) printf " '%s'" "$1" ;;
		esac
		;;
	*) printf ' %s' "$1" ;;
	esac
}

# Shows a command, then runs it.
show()
{
	local word
	printf '$'
	for word in "$@"; do
		quoted "${word/#$program/mq-worker}"
	done
	printf '\n'
	"$@"
}

build()
{
	local log=build/release.log
	mkdir -p build
	if ! cmake --workflow --preset release >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		printf 'run.sh: the build failed, all of it is in %s\n' "$log" >&2
		return 1
	fi
	"$program" --version
}

make_database()
{
	mkdir -p -m 0750 data
	if [ -e "$database" ]; then
		printf '%s is there already and stays as it is\n' "$database"
		return
	fi
	# Under another name first: a database that exists is a whole one.
	rm -f "$database".new*
	sqlite3 -bail "$database.new" <deploy/demo/demo.sql >/dev/null
	mv "$database.new" "$database"
	printf '%s: %s bookings of invented people\n' "$database" \
		"$(sqlite3 "$database" 'SELECT count(*) FROM consultation_bookings')"
}

insert()
{
	show sqlite3 -cmd '.timeout 30000' "$database" \
		"INSERT INTO jobs (kind, payload) VALUES ('export.report', json_object($1))"
}

queue_jobs()
{
	show "$program" enqueue export.report '{"report":"financial_summary"}'
	show "$program" enqueue export.report '{"report":"consultant_performance"}'
	show "$program" enqueue export.report \
		'{"report":"analytics_summary","params":{"days":365,"now":"2025-12-31 00:00:00"}}'
	printf '\nAny program can do the same with a plain INSERT:\n'
	insert "'report', 'financial_summary', 'compress', 'gzip'"
	printf '\nOne with a slip in it, to see what that looks like:\n'
	insert "'report', 'financial_sumary'"
}

# The newest output of each report, as the jobs themselves name it.
newest_outputs()
{
	sqlite3 "$database" "
		SELECT 'data/' || json_extract(result, '\$.path') FROM jobs WHERE id IN (
			SELECT max(id) FROM jobs
			WHERE status = 'succeeded' AND kind = 'export.report' AND result LIKE '%.csv\"%'
			GROUP BY json_extract(payload, '\$.report'))
		ORDER BY 1"
}

# The first lines of a file, as wide as a terminal.
top()
{
	local line LC_ALL=C.UTF-8
	printf '\n%s\n' "$1"
	head -n "$2" "$1" | while IFS= read -r line; do
		line=${line%$'\r'}
		printf '%s\n' "${line:0:110}"
	done
}

show_outputs()
{
	local file files
	mapfile -t files <<<"$(newest_outputs)"
	for file in "${files[@]}"; do
		top "$file" 5
	done
	top "$file.manifest.json" 12
	printf '...\n'
}

say "Packages"
deploy/packages.sh run
say "Build (build/release)"
build
say "The application's database (invented data)"
make_database
say "The queue"
show "$program" init
say "Jobs"
queue_jobs
say "The pool runs until nothing is left"
show "$program" run --drain --workers 2
say "What became of them"
show "$program" status
show "$program" list --limit 6
show "$program" show "$(sqlite3 "$database" "SELECT max(id) FROM jobs WHERE status = 'failed'")"
say "The files"
show_outputs
say "Done. The data is in ./data, the program is $program; README.md goes on from here."
