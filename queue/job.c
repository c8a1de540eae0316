#include "job.h"

#include <mq/str.h>
#include <stdlib.h>

void mq_job_free(struct mq_job *job)
{
	if (!job)
		return;
	char *const strings[] = { job->kind,	   job->payload,      job->progress_note,
				  job->unique_key, job->requested_by, job->error,
				  job->result };
	for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
		free(strings[i]);
	free(job);
}

static bool has_id(const struct mq_job_filter *filter, int64_t id)
{
	for (size_t i = 0; i < filter->n_ids; i++)
		if (filter->ids[i] == id)
			return true;
	return false;
}

bool mq_job_matches(const struct mq_job_filter *filter, int64_t id, const char *kind,
		    enum mq_status status, int64_t time_us)
{
	return (!filter->ids || has_id(filter, id)) &&
	       (!filter->status_mask || (filter->status_mask & (1u << status))) &&
	       (!filter->since_us || time_us >= filter->since_us) &&
	       (!filter->kinds || mq_glob_list_match(filter->kinds, kind));
}
