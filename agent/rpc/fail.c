#include "rpc/rpc.h"

static enum rpc_code code_of(int error)
{
	static const struct {
		int error;
		enum rpc_code code;
	} codes[] = {
		{ EINVAL, RPC_INVALID },
		{ EBADMSG, RPC_INVALID },
		{ ETIMEDOUT, RPC_DEADLINE },
		{ ENOENT, RPC_NOT_FOUND },
		{ ENODEV, RPC_NOT_FOUND },
		{ EEXIST, RPC_EXISTS },
		{ EPERM, RPC_DENIED },
		{ EACCES, RPC_DENIED },
		{ EKEYREJECTED, RPC_DENIED },
		{ E2BIG, RPC_EXHAUSTED },
		{ ENOMEM, RPC_EXHAUSTED },
		{ ENOSPC, RPC_EXHAUSTED },
		{ EFBIG, RPC_EXHAUSTED },
		{ EBUSY, RPC_PRECONDITION },
		{ ENOSYS, RPC_UNIMPLEMENTED },
		{ EOPNOTSUPP, RPC_UNIMPLEMENTED },
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].error == -error)
			return codes[i].code;
	return RPC_UNKNOWN;
}

void rpc_fail_err(struct rpc_call *c, const struct err *e)
{
	_buf_ struct buf text = { 0 };

	buf_printf(&text, "%s%s%s", e->msg, *e->hint ? "; " : "", e->hint);
	rpc_fail(c, code_of(e->code), buf_str(&text));
}
