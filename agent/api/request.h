/* One HTTP/1.1 request of a workload (RFC 9112), as far as the API needs it. Pure. */
#ifndef AGENT_API_REQUEST_H
#define AGENT_API_REQUEST_H
#include "lib/buf.h"

enum { API_HEAD_MAX = 8192, API_BODY_MAX = 16384 };

struct api_request {                      /* slices borrow from the input */
	struct slice method, path, query; /* path begins with "/"; query without "?" */
	struct slice body;
};

/*
 * Reads what has come so far: 1 with the whole request, 0 while more must come, or the negative status that
 * refuses it: -400, -411 (chunked), -413, -431, -505.
 */
int api_parse(struct slice in, struct api_request *ret);
/* Appends the value of parameter NAME of a query, percent-decoded: 1; 0 where there is none; -400 where it is
 * malformed, holds a NUL, or is there twice. */
int api_param(struct slice query, const char *name, struct buf *ret);
#endif
