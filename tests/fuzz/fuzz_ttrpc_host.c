/* What the agent sends to the host tools: frames, responses and the three messages in them. */
#include "format/agentmsg.h"
#include "format/ttrpc.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct ttrpc_frame f;
	long n;

	while ((n = ttrpc_frame(in, &f)) > 0) {
		struct ttrpc_response r;
		struct stages s;
		char version[VERSION_MAX];
		int health;

		must((size_t)n == TTRPC_HEADER + f.body.n && (size_t)n <= in.n);
		in = slice_of(in.p + n, in.n - (size_t)n);
		if (ttrpc_response(f.body, &r))
			continue;
		must(r.payload.n <= f.body.n && r.message.n <= f.body.n);
		agentmsg_health(r.payload, &health);
		if (!agentmsg_details(r.payload, version))
			must(strlen(version) < VERSION_MAX);
		if (!agentmsg_stages(r.payload, &s))
			for (size_t i = 0; i < s.n; i++)
				must(s.at[i].name[0] && strlen(s.at[i].name) < STAGE_NAME);
	}
	return 0;
}
