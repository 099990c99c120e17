/*
 * The few TPM commands that attestation takes (TPM 2.0 Library part 3, revision 1.59), over a device node
 * that carries raw commands. Authorizations are empty passwords. Every function but tpm2_open takes the open
 * device; all return 0 or a negative errno with the message in *e. Blocks.
 */
#ifndef AGENT_TPM2_H
#define AGENT_TPM2_H
#include "format/tpm.h"
#include "lib/buf.h"

enum { TPM2_RSA_MAX = 512 };

struct tpm2_quote {
	struct buf message;   /* TPMS_ATTEST */
	struct buf signature; /* TPMT_SIGNATURE: RSASSA, SHA-256 */
	uint8_t pcr[TPM_PCRS][SHA256_LEN];
};

/* -ENODEV where there is no device of that name; the caller closes *RET. */
int tpm2_open(const char *path, int *ret, struct err *e);
int tpm2_read_pcrs(int fd, uint8_t ret[TPM_PCRS][SHA256_LEN], struct err *e);
int tpm2_extend(int fd, int pcr, const uint8_t digest[SHA256_LEN], struct err *e);
/* The RSA key at HANDLE as a DER SubjectPublicKeyInfo. -ENOENT: there is no object. */
int tpm2_read_public(int fd, uint32_t handle, struct buf *ret_der, struct err *e);
/*
 * A new key that signs what the TPM says and nothing else: RSA of 2048 bits, derived from the endorsement
 * seed, so that it is always the same in one TPM. It is made persistent at PERSISTENT where the owner's
 * password is empty; *RET is the handle that it has, good while FD is open.
 */
int tpm2_make_ak(int fd, uint32_t persistent, uint32_t *ret, struct err *e);
/* Signs DATA (at most 64 bytes) and all SHA-256 PCRs with the key at HANDLE; the PCRs are those signed.
 * Release with tpm2_quote_free, also after an error. */
int tpm2_quote(int fd, uint32_t handle, struct slice data, struct tpm2_quote *ret, struct err *e);
void tpm2_quote_free(struct tpm2_quote *q);
/* The NV index's whole content, at most MAX bytes. -ENOENT: there is no such index. */
int tpm2_nv_read(int fd, uint32_t index, size_t max, struct buf *ret, struct err *e);
/* Writes DATA to the start of the NV index; one that is missing is made, of that size. */
int tpm2_nv_write(int fd, uint32_t index, struct slice data, struct err *e);
#endif
