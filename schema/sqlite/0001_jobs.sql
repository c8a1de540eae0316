-- The queue: applied by `mq-worker init` and at every start, forward only, in one transaction.
--
-- The constraints run inside the producer's transaction with the producer's SQLite library: nothing here is newer than
-- SQLite 3.31. Their names are what a producer reads when an INSERT is refused ("CHECK constraint failed: <name>"),
-- so each name says what to write instead. schema/README.md is the contract in words.

CREATE TABLE jobs (
	id               INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: an old token must not meet a new job
	kind             TEXT NOT NULL
	CONSTRAINT "kind must be a name like export.report: lower-case letters, digits, _ - and dots, at most 100 characters"
	CHECK (typeof(kind) = 'text' AND length(kind) BETWEEN 1 AND 100 AND length(CAST(kind AS BLOB)) = length(kind)
	       AND kind NOT GLOB '*[^a-z0-9_.-]*' AND kind GLOB '[a-z]*' AND kind NOT GLOB '*.' AND kind NOT GLOB '*..*'),
	status           TEXT NOT NULL DEFAULT 'queued'
	CONSTRAINT "status must be one of queued, running, succeeded, failed, cancelled; leave it out to queue a job"
	CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
	priority         INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "priority must be a whole number from -1000 to 1000, larger runs first, 0 is normal"
	CHECK (typeof(priority) = 'integer' AND priority BETWEEN -1000 AND 1000),
	run_at           TEXT
	CONSTRAINT "run_at must be NULL (now) or UTC text YYYY-MM-DD HH:MM:SS or YYYY-MM-DD HH:MM:SS.ffffff"
	CHECK (run_at IS NULL OR (typeof(run_at) = 'text' AND length(run_at) IN (19, 26)
	       AND substr(run_at, 1, 19) GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
	       AND (length(run_at) = 19 OR substr(run_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]')
	       -- Without a modifier datetime() hands 30 February back as it is.
	       AND coalesce(datetime(substr(run_at, 1, 19), '+0 days') = substr(run_at, 1, 19), 0))),
	attempt          INTEGER NOT NULL DEFAULT 0        -- how often it was started; never goes back
	CONSTRAINT "attempt is the worker's: leave it out"
	CHECK (typeof(attempt) = 'integer' AND attempt >= 0),
	max_attempts     INTEGER
	CONSTRAINT "max_attempts must be NULL (the kind's own) or a whole number from 1 to 100"
	CHECK (max_attempts IS NULL OR (typeof(max_attempts) = 'integer' AND max_attempts BETWEEN 1 AND 100)),
	base_attempt     INTEGER NOT NULL DEFAULT 0,       -- attempts up to here no longer count: an operator requeued the job
	token            INTEGER NOT NULL DEFAULT 0,       -- grows with every claim; whoever holds an old one changes nothing
	worker_id        INTEGER                           -- mq_workers.id while running
	CONSTRAINT "worker_id and token are the worker's: leave them out, and status too"
	CHECK ((status = 'running') = (worker_id IS NOT NULL) AND (status <> 'running' OR token > 0)
	       AND typeof(token) = 'integer' AND typeof(base_attempt) = 'integer'
	       AND (worker_id IS NULL OR (typeof(worker_id) = 'integer' AND worker_id > 0))),
	cancel_requested INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "cancel_requested must be 0 or 1"
	CHECK (cancel_requested IN (0, 1)),
	progress         INTEGER                           -- percent
	CONSTRAINT "progress must be NULL or a whole number from 0 to 100"
	CHECK (progress IS NULL OR (typeof(progress) = 'integer' AND progress BETWEEN 0 AND 100)),
	progress_note    TEXT,
	created_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')
	CONSTRAINT "created_at sets itself: leave it out, or write UTC text YYYY-MM-DD HH:MM:SS"
	CHECK (typeof(created_at) = 'text' AND length(created_at) IN (19, 26)
	       AND created_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]*'),
	started_at       TEXT,                             -- of the newest attempt
	finished_at      TEXT,                             -- when it succeeded, failed or was cancelled
	unique_key       TEXT
	CONSTRAINT "unique_key must be NULL or text of 1 to 200 characters"
	CHECK (unique_key IS NULL OR (typeof(unique_key) = 'text' AND length(unique_key) BETWEEN 1 AND 200)),
	requested_by     TEXT                              -- who asked (an admin's id); NULL for the machine itself
	CONSTRAINT "requested_by must be NULL or at most 200 characters"
	CHECK (requested_by IS NULL OR length(requested_by) <= 200),
	error            TEXT,                             -- of the newest attempt that did not succeed
	-- The long ones last: what stands before them is read without following their overflow pages.
	result           TEXT
	CONSTRAINT "result is the worker's and JSON: leave it out"
	CHECK (result IS NULL OR (typeof(result) = 'text' AND status <> 'queued')),
	payload          TEXT NOT NULL DEFAULT '{}'
	CONSTRAINT "payload must be a JSON object as text, such as {""report"":""financial_summary""}"
	CHECK (typeof(payload) = 'text' AND substr(ltrim(payload, char(9, 10, 13, 32)), 1, 1) = '{')
);

-- SQLite 3.38 to 3.40 takes json_valid() for unsafe where PRAGMA trusted_schema is off. In a constraint it would make the
-- whole database unreadable there; in a trigger it only refuses the INSERT. RAISE speaks like the constraint.
CREATE TRIGGER mq_jobs_payload BEFORE INSERT ON jobs WHEN typeof(NEW.payload) = 'text' AND NOT json_valid(NEW.payload)
BEGIN
	SELECT RAISE(ABORT, 'CHECK constraint failed: payload must be a JSON object as text, such as {"report":"financial_summary"}');
END;
CREATE TRIGGER mq_jobs_payload_change BEFORE UPDATE OF payload ON jobs
WHEN typeof(NEW.payload) = 'text' AND NOT json_valid(NEW.payload)
BEGIN
	SELECT RAISE(ABORT, 'CHECK constraint failed: payload must be a JSON object as text, such as {"report":"financial_summary"}');
END;

-- A claim touches only rows that can run now: ready and scheduled rows are kept apart, finished ones are in neither.
-- A query must repeat a predicate literally to use its index; what else it names stands in the index, too, so that
-- it need not look at the rows.
CREATE INDEX mq_jobs_ready ON jobs (kind, priority DESC, id, run_at) WHERE status = 'queued' AND run_at IS NULL;
CREATE INDEX mq_jobs_scheduled ON jobs (run_at, kind) WHERE status = 'queued' AND run_at IS NOT NULL;
-- What waits for its next attempt: a pool that runs until nothing is left asks for it.
CREATE INDEX mq_jobs_waiting ON jobs (kind, run_at, attempt, status) WHERE status = 'queued' AND run_at IS NOT NULL AND attempt > 0;
CREATE INDEX mq_jobs_running ON jobs (worker_id) WHERE status = 'running';
CREATE INDEX mq_jobs_failed ON jobs (kind, finished_at) WHERE status = 'failed';
-- At most one job of a key is on its way. A producer adds ON CONFLICT DO NOTHING, or takes the constraint error;
-- INSERT OR IGNORE would swallow the errors above, too.
CREATE UNIQUE INDEX mq_jobs_unique ON jobs (unique_key) WHERE unique_key IS NOT NULL AND status IN ('queued', 'running');

-- One row an attempt, written when it ends.
CREATE TABLE mq_attempts (
	job_id      INTEGER NOT NULL,
	attempt     INTEGER NOT NULL,
	token       INTEGER NOT NULL,
	worker_id   INTEGER,
	started_at  TEXT,
	finished_at TEXT NOT NULL,
	outcome     TEXT NOT NULL
	CHECK (outcome IN ('succeeded', 'failed', 'timeout', 'crashed', 'interrupted', 'cancelled')),
	error       TEXT,
	signal      INTEGER,      -- that ended the worker, NULL when none did
	exit_status INTEGER,      -- of a worker that ended by itself in the middle of the job
	cpu_s       REAL,         -- user + system
	peak_kb     INTEGER,      -- largest resident size of the worker
	PRIMARY KEY (job_id, attempt)
) WITHOUT ROWID;

-- One row a living worker process. Its life is the lock on byte `id` of <database>-workers, not a time in this row.
CREATE TABLE mq_workers (
	id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
	pid        INTEGER NOT NULL,
	host       TEXT NOT NULL,
	boot_id    TEXT NOT NULL,
	started_at TEXT NOT NULL,
	version    TEXT NOT NULL,
	kinds      TEXT NOT NULL      -- JSON array of the kinds it runs
);
