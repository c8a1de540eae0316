/* Payloads: whatever a producer writes ends in checked parameters or in a message, and the message
 * is text. */
#include <assert.h>
#include <mq/handler.h>
#include <mq/str.h>
#include <string.h>

struct params {
	const char *text;
	const char *choice;
	int64_t number;
	bool flag;
	const json_t *object;
};

static const char *const choices[] = { "one", "two", NULL };
static const struct mq_field fields[] = {
	{ .name = "text",
	  .type = MQ_FIELD_STR,
	  .offset = offsetof(struct params, text),
	  .required = true,
	  .help = "any" },
	{ .name = "choice",
	  .type = MQ_FIELD_ENUM,
	  .offset = offsetof(struct params, choice),
	  .choices = choices },
	{ .name = "number",
	  .type = MQ_FIELD_INT,
	  .offset = offsetof(struct params, number),
	  .min = -5,
	  .max = 5 },
	{ .name = "flag", .type = MQ_FIELD_BOOL, .offset = offsetof(struct params, flag) },
	{ .name = "object", .type = MQ_FIELD_OBJ, .offset = offsetof(struct params, object) },
	{ 0 },
};
static const struct mq_handler handler = {
	.kind = "fuzz.params",
	.params_size = sizeof(struct params),
	.fields = fields,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MQ_AUTO(mq_params) struct mq_params params = { 0 };
	struct mq_err err = { 0 };
	MQ_AUTO_FREE char *payload = mq_alloc(size + 1, 1);

	if (size > 0)
		memcpy(payload, data, size);
	if (mq_params_parse(&handler, payload, &params, &err) != MQ_OK) {
		assert(err.rc == MQ_E_INVALID && err.text[0] && !params.data && !params.json);
		return 0;
	}
	const struct params *p = params.data;

	assert(p->text && strlen(p->text) <= 4096);
	assert(p->choice == choices[0] || p->choice == choices[1]);
	assert(p->number >= -5 && p->number <= 5);
	return 0;
}
