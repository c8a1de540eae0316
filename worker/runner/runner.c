#include "runner.h"

#include "attempt.h"
#include "end.h"

#include <errno.h>
#include <fcntl.h>
#include <mq/clock.h>
#include <mq/handler.h>
#include <mq/log.h>
#include <mq/str.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#define MODULE "runner"

#define SAFETY_LOOK_MS 2000
#define RETRY_MS       1000

#define DEFAULT_BACKOFF_MIN_S 10
#define DEFAULT_BACKOFF_MAX_S 3600

/* An attempt whose end is not written down yet. */
struct ended {
	struct mq_job *job; /* NULL: there is none */
	struct mq_run *run;
	char *result;
	struct mq_err error;   /* of the handler */
	struct mq_err refused; /* of the settle */
	struct mq_settle settle;
};

struct runner {
	const struct mq_runner_options *options;
	const struct mq_child *child;
	struct mq_control control;
	struct mq_queue *queue;
	struct mq_run_env env;
	int64_t worker_id;
	struct ended ended;
	bool troubled; /* the last turn failed: logged once */
};

bool mq_runner_serves(void *ctx, const char *kind)
{
	return mq_handler_find(kind) && mq_config_serves(ctx, kind);
}

/* Nothing that waiting can mend: the file is gone, damaged, forbidden or of a newer program. */
static bool is_hopeless(enum mq_rc rc)
{
	return rc == MQ_E_CORRUPT || rc == MQ_E_NOTFOUND || rc == MQ_E_UNSUPPORTED ||
	       rc == MQ_E_INVALID || rc == MQ_E_DENIED;
}

/* ---------------------------------------------------------------- one attempt */

static struct mq_kind_policy policy_of(const struct runner *r, const struct mq_handler *handler,
				       const struct mq_job *job)
{
	struct mq_kind_policy policy = {
		.timeout_ms = handler->timeout_s * MQ_MS_PER_S,
		.max_attempts = handler->max_attempts,
		.backoff_min_ms = (handler->backoff_min_s ?: DEFAULT_BACKOFF_MIN_S) * MQ_MS_PER_S,
		.backoff_max_ms = (handler->backoff_max_s ?: DEFAULT_BACKOFF_MAX_S) * MQ_MS_PER_S,
	};

	mq_config_kind_policy(r->options->config, job->kind, &policy);
	if (job->max_attempts > 0)
		policy.max_attempts = job->max_attempts;
	return policy;
}

static double cpu_s(void)
{
	static const int whose[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	double total = 0;

	for (size_t i = 0; i < sizeof whose / sizeof whose[0]; i++) {
		struct rusage usage;

		if (getrusage(whose[i], &usage) < 0)
			continue;
		total += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) /
				 (double)MQ_US_PER_S;
	}
	return total;
}

static int64_t peak_kb(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

static bool is_stop(enum mq_rc rc)
{
	return rc == MQ_E_STALE || rc == MQ_E_CANCELLED || rc == MQ_E_INTERRUPTED ||
	       rc == MQ_E_TIMEOUT;
}

/*
 * What a handler returned, made honest: one that was stopped ended for that reason, whatever it
 * says; one that was not cannot claim it; and no error goes without a sentence.
 */
static enum mq_rc honest(const struct mq_run *run, enum mq_rc rc, struct mq_err *err)
{
	if (rc == MQ_OK)
		return MQ_OK;
	if (mq_run_stop_rc(run) != MQ_OK)
		return mq_run_stop_error(run, err);
	if (is_stop(rc))
		return mq_err_set(err, MQ_E_BUG, 0,
				  "the handler stopped as '%s' though nobody asked for it",
				  mq_rc_info(rc)->name);
	if (err->rc != rc || !err->text[0])
		return mq_err_set(err, rc, 0, "the handler failed (%s) and gave no reason",
				  mq_rc_info(rc)->name);
	return rc;
}

static enum mq_rc run_handler(const struct mq_handler *handler, struct mq_run *run,
			      const struct mq_job *job, struct mq_err *err)
{
	__attribute__((cleanup(mq_params_cleanup))) struct mq_params params = { 0 };
	enum mq_rc rc = mq_params_parse(handler, job->payload, &params, err);

	return honest(run, rc == MQ_OK ? handler->run(run, params.data, err) : rc, err);
}

static void count_earlier(const struct runner *r, const struct mq_job *job,
			  struct mq_end_facts *facts)
{
	/* A history that cannot be read now is taken for the longest there can be. */
	if (mq_queue_failures(r->queue, job, &facts->failed, NULL) != MQ_OK)
		facts->failed = job->attempt - job->base_attempt - 1;
	if (mq_queue_crashes(r->queue, job, &facts->crashed, NULL) != MQ_OK)
		facts->crashed = 0;
}

static struct mq_end decide(const struct runner *r, const struct mq_job *job, enum mq_rc rc)
{
	struct mq_kind_policy policy = policy_of(r, mq_handler_find(job->kind), job);
	struct mq_end_facts facts = {
		.rc = rc,
		.max_attempts = policy.max_attempts,
		.backoff_min_ms = policy.backoff_min_ms,
		.backoff_max_ms = policy.backoff_max_ms,
		.now_us = mq_clock_wall_us(),
	};

	if (getrandom(&facts.random, sizeof facts.random, 0) != (ssize_t)sizeof facts.random)
		facts.random = (uint64_t)facts.now_us;
	if (rc != MQ_OK)
		count_earlier(r, job, &facts);
	return mq_end_decide(&facts);
}

static void log_end(const struct mq_job *job, const struct mq_end *end, const char *error,
		    int64_t took_us)
{
	long long id = (long long)job->id, attempt = (long long)job->attempt;
	char text[MQ_DURATION_TEXT_SIZE];

	if (!end->settle || end->outcome == MQ_OUTCOME_CANCELLED ||
	    end->outcome == MQ_OUTCOME_INTERRUPTED) {
		mq_log(MQ_LOG_INFO, MODULE, "job=%lld kind=%s: %s", id, job->kind, error);
	} else if (end->to == MQ_JOB_SUCCEEDED) {
		mq_duration_format(took_us / 1000, text);
		mq_log(MQ_LOG_INFO, MODULE, "job=%lld kind=%s: succeeded in %s", id, job->kind,
		       text);
	} else if (end->to == MQ_JOB_QUEUED) {
		mq_duration_format((end->run_at_us - mq_clock_wall_us()) / 1000, text);
		mq_log(MQ_LOG_WARNING, MODULE, "job=%lld kind=%s: attempt %lld: %s; again in %s",
		       id, job->kind, attempt, error, text);
	} else {
		mq_log(MQ_LOG_ERROR, MODULE, "job=%lld kind=%s: attempt %lld: %s; failed for good",
		       id, job->kind, attempt, error);
	}
}

/* Makes the settle of an attempt that ended with rc. False: there is nothing to write, the job is
 * somebody else's. */
static bool conclude(const struct runner *r, struct ended *ended, enum mq_rc rc, int64_t took_us)
{
	struct mq_end end = decide(r, ended->job, rc);
	bool good = end.outcome == MQ_OUTCOME_SUCCEEDED;

	log_end(ended->job, &end, ended->error.text, took_us);
	ended->settle.job = ended->job;
	ended->settle.outcome = end.outcome;
	ended->settle.to = end.to;
	ended->settle.run_at_us = end.run_at_us;
	ended->settle.error = good ? NULL : ended->error.text;
	ended->settle.result = good ? ended->result : NULL;
	ended->settle.effects = good && mq_run_effects(ended->run) ? mq_effects_apply : NULL;
	ended->settle.effects_ctx = good ? mq_run_effects(ended->run) : NULL;
	ended->settle.why = &ended->refused;
	return end.settle;
}

static void ended_clear(struct runner *r)
{
	mq_run_free(r->ended.run);
	mq_job_free(r->ended.job);
	free(r->ended.result);
	r->ended = (struct ended){ 0 };
	r->control.settling = false;
}

/* Takes over the job. Afterwards r->ended holds what is to be settled, or nothing. */
static void attempt(struct runner *r, struct mq_job *job)
{
	const struct mq_handler *handler = mq_handler_find(job->kind);
	struct ended *ended = &r->ended;
	int64_t began_us = mq_clock_mono_us();
	double cpu_before_s = cpu_s();

	ended->job = job;
	ended->run = mq_run_begin(&r->env, job);
	if (!mq_control_started(&r->control, job->id, policy_of(r, handler, job).timeout_ms))
		return;
	enum mq_rc rc = run_handler(handler, ended->run, job, &ended->error);

	mq_run_finish(ended->run);
	ended->result = mq_run_result_text(ended->run);
	ended->settle.cpu_s = cpu_s() - cpu_before_s;
	ended->settle.peak_kb = peak_kb();
	r->control.settling = true;
	if (!conclude(r, ended, rc, mq_clock_mono_us() - began_us))
		ended_clear(r);
}

/* ---------------------------------------------------------------- turns */

/*
 * Effects or a result that the database refuses are a failure of the attempt like any other:
 * *ret_again. A failure that is refused cannot be written in any way; the death of this worker then
 * tells of it.
 */
static enum mq_rc look_at_settle(struct runner *r, bool *ret_again, struct mq_err *err)
{
	struct ended *ended = &r->ended;
	long long id = ended->job ? (long long)ended->job->id : 0;

	*ret_again = false;
	if (!ended->job || ended->settle.rc == MQ_OK)
		return MQ_OK;
	if (ended->settle.rc == MQ_E_STALE) {
		mq_log(MQ_LOG_WARNING, MODULE,
		       "job=%lld kind=%s: the job was taken away, the end of this attempt does not "
		       "count",
		       id, ended->job->kind);
		return MQ_OK;
	}
	if (ended->settle.outcome != MQ_OUTCOME_SUCCEEDED)
		return mq_err_set(err, MQ_E_BUG, 0, "job %lld: its end cannot be written: %s", id,
				  ended->refused.text);
	ended->error = ended->refused;
	*ret_again = conclude(r, ended, ended->settle.rc, 0);
	return MQ_OK;
}

static enum mq_rc turn(struct runner *r, const struct mq_claim *claim, struct mq_job **ret_job,
		       struct mq_err *err)
{
	size_t n_done = r->ended.job ? 1 : 0, n = 0;
	enum mq_rc rc = mq_queue_turn(r->queue, &r->ended.settle, n_done, claim, ret_job, &n, err);

	if (rc == MQ_OK && n == 0)
		*ret_job = NULL;
	return rc;
}

/* Settles what has ended and claims the next job unless the pool drains; NULL: there is none. */
static enum mq_rc next_job(struct runner *r, struct mq_job **ret_job, struct mq_err *err)
{
	const struct mq_claim claim = {
		.worker_id = r->worker_id,
		.serves = mq_runner_serves,
		/* The callback's context is not const for all; this one is only read. */
		.ctx = (void *)(uintptr_t)r->options->config,
		.max = 1,
	};
	struct mq_job *job = NULL, *none = NULL;
	bool again = false;
	enum mq_rc rc = turn(r, r->control.draining ? NULL : &claim, &job, err);

	if (rc == MQ_OK)
		rc = look_at_settle(r, &again, err);
	while (rc == MQ_OK && again) {
		rc = turn(r, NULL, &none, err);
		if (rc == MQ_OK)
			rc = look_at_settle(r, &again, err);
	}
	if (rc != MQ_OK) {
		mq_job_free(job);
		return rc;
	}
	ended_clear(r);
	*ret_job = job;
	return MQ_OK;
}

/* False: the worker ends. */
static bool may_go_on(struct runner *r, const struct mq_err *err)
{
	if (r->control.gone || r->control.stop == MQ_STOP_DRAIN || is_hopeless(err->rc) ||
	    err->rc == MQ_E_BUG)
		return false;
	if (err->rc == MQ_E_BUSY)
		return !r->control.draining || r->ended.job;
	if (!r->troubled)
		mq_log(MQ_LOG_ERROR, MODULE, "%s; trying again each second", err->text);
	r->troubled = true;
	mq_control_wait(&r->control, -1, RETRY_MS);
	return true;
}

static void sleep_until_wanted(struct runner *r)
{
	uint64_t ring;

	mq_control_finished(&r->control);
	mq_control_wait(&r->control, r->child->doorbell_fd, SAFETY_LOOK_MS);
	(void)!read(r->child->doorbell_fd, &ring, sizeof ring);
}

static int loop(struct runner *r, struct mq_err *err)
{
	for (;;) {
		struct mq_job *job = NULL;

		mq_control_read(&r->control);
		if (r->control.gone || (r->control.draining && !r->ended.job))
			return EXIT_SUCCESS;
		if (next_job(r, &job, err) != MQ_OK) {
			if (may_go_on(r, err))
				continue;
			if (err->rc != MQ_E_BUSY)
				mq_log(MQ_LOG_ERROR, MODULE, "%s", err->text);
			return is_hopeless(err->rc) ? MQ_CHILD_EXIT_FATAL : EXIT_FAILURE;
		}
		r->troubled = false;
		if (job)
			attempt(r, job);
		else if (!r->control.draining)
			sleep_until_wanted(r);
	}
}

/* ---------------------------------------------------------------- begin and end */

static char *kinds_json(const struct mq_config *config)
{
	struct mq_str text = { 0 };

	mq_str_puts(&text, "[");
	for (const struct mq_handler *const *h = mq_handlers(); *h; h++) {
		if (!mq_config_serves(config, (*h)->kind))
			continue;
		if (text.len > 1)
			mq_str_puts(&text, ",");
		mq_str_json(&text, (*h)->kind);
	}
	mq_str_puts(&text, "]");
	return text.data;
}

static void read_boot_id(char *id, size_t size)
{
	MQ_AUTO_FD
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, id, size - 1);

	id[n > 0 ? n : 0] = '\0';
	id[strcspn(id, "\n")] = '\0';
}

static enum mq_rc register_worker(struct runner *r, struct mq_err *err)
{
	MQ_AUTO_FREE
	char *kinds = kinds_json(r->options->config);
	char host[256] = "", boot_id[64];

	gethostname(host, sizeof host - 1);
	read_boot_id(boot_id, sizeof boot_id);
	const struct mq_worker worker = {
		.pid = getpid(),
		.host = host,
		.boot_id = boot_id,
		.version = r->options->version,
		.kinds = kinds,
		.started_at_us = mq_clock_wall_us(),
	};
	return mq_queue_worker_add(r->queue, &worker, &r->worker_id, err);
}

static enum mq_rc begin(struct runner *r, struct mq_err *err)
{
	const struct mq_queue_options options = {
		.database = r->options->config->database,
		.key_file = r->options->config->key_file,
		.busy_ms = -1,
		.keep_waiting = mq_control_keep_waiting,
		.ctx = &r->control,
	};

	if (mq_queue_open(r->options->driver, &options, &r->queue, err) != MQ_OK ||
	    register_worker(r, err) != MQ_OK)
		return mq_err_wrap(err, "cannot use the queue");
	r->env = (struct mq_run_env){
		.config = r->options->config,
		.queue = r->queue,
		.control = &r->control,
		.policy = {
			.sealing_required = r->options->config->encryption_enabled,
			.report_dirs = r->options->report_dirs,
			.version = r->options->version,
		},
	};
	mq_control_say(&r->control, MQ_MSG_READY, r->worker_id, 0);
	return MQ_OK;
}

static int failed_to_begin(const struct runner *r, const struct mq_err *err)
{
	if (r->control.draining || r->control.gone)
		return EXIT_SUCCESS;
	mq_log(MQ_LOG_ERROR, MODULE, "%s", err->text);
	return is_hopeless(err->rc) ? MQ_CHILD_EXIT_FATAL : EXIT_FAILURE;
}

int mq_runner_main(const struct mq_runner_options *options, const struct mq_child *child)
{
	struct runner r = {
		.options = options,
		.child = child,
		.control = { .fd = child->channel_fd },
	};
	struct mq_err err = { 0 };
	int status;

	if (begin(&r, &err) == MQ_OK)
		status = loop(&r, &err);
	else
		status = failed_to_begin(&r, &err);
	if (status == EXIT_SUCCESS && r.worker_id && !r.control.gone) {
		mq_control_finished(&r.control);
		mq_queue_worker_remove(r.queue, r.worker_id, NULL);
	}
	ended_clear(&r);
	mq_queue_close(r.queue);
	return status;
}
