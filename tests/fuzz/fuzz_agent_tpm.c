/*
 * Input: which function is called, then what a TPM answers to its commands: each answer led by its length in
 * 16 bits, little endian. Links with AGENT_TEST_OBJ.
 */
#include <assert.h>
#include <signal.h>
#include <sys/socket.h>
#include "attest/tpm2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A TPM that always says "later" would make this wait. */
int usleep(useconds_t us)
{
	(void)us;
	return 0;
}

static void call(int which, int fd)
{
	static const uint8_t zeros[64];
	uint8_t pcrs[TPM_PCRS][SHA256_LEN];
	struct tpm2_quote q = { 0 };
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	uint32_t handle;
	int k;

	switch (which) {
	case 0:
		k = tpm2_read_pcrs(fd, pcrs, &e);
		break;
	case 1:
		k = tpm2_quote(fd, 0x81010002, slice_of(zeros, 32), &q, &e);
		break;
	case 2:
		k = tpm2_read_public(fd, 0x81010002, &b, &e);
		break;
	case 3:
		k = tpm2_make_ak(fd, 0x81010002, &handle, &e);
		break;
	case 4:
		k = tpm2_nv_read(fd, 0x01400001, 4096, &b, &e);
		assert(b.n <= 4096);
		break;
	case 5:
		k = tpm2_nv_write(fd, 0x01400002, slice_of(zeros, sizeof(zeros)), &e);
		break;
	default:
		k = tpm2_extend(fd, 8, zeros, &e);
	}
	assert(k <= 0 && (!k || (e.code == k && *e.msg)));
	tpm2_quote_free(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd[2];

	if (!size)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) < 0)
		abort();
	for (size_t at = 1; at + 2 <= size;) {
		size_t n = le16(data + at);

		at += 2;
		n = n < size - at ? n : size - at;
		if (n && send(fd[1], data + at, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		at += n;
	}
	shutdown(fd[1], SHUT_WR);
	call(data[0] % 7, fd[0]);
	close(fd[0]);
	close(fd[1]);
	return 0;
}
