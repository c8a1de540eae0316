/* Private directories of attempts: <temp_dir>/processing/job-<id>-<token>. */
#ifndef MQ_WORKDIR_H
#define MQ_WORKDIR_H

#include <mq/err.h>
#include <stdint.h>

/* Makes it, empty; *ret_path is freed by the caller. */
enum mq_rc mq_workdir_make(const char *temp_dir, int64_t job_id, int64_t token, char **ret_path,
			   struct mq_err *err);

/* Removes it with all it holds, following no link; what cannot be removed stays. */
void mq_workdir_remove(const char *path);

/* Removes what attempts of this job with an older token left behind. */
void mq_workdir_sweep(const char *temp_dir, int64_t job_id, int64_t token);

#endif
