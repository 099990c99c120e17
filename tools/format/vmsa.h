/*
 * The save area of a vCPU under SEV-ES and SEV-SNP: one page of its initial registers, which the platform
 * measures (AMD APM volume 2, table B-4).
 */
#ifndef BULLA_VMSA_H
#define BULLA_VMSA_H
#include "lib/err.h"
#include "lib/slice.h"

enum { VMSA_PAGE = 4096 };
enum {
	VMSA_ES,
	VMSA_CS,
	VMSA_SS,
	VMSA_DS,
	VMSA_FS,
	VMSA_GS,
	VMSA_GDTR,
	VMSA_LDTR,
	VMSA_IDTR,
	VMSA_TR,
	VMSA_SEGS
};

struct vmsa_seg { /* 16 bytes each, in this order from offset 0 */
	uint16_t selector, attrib;
	uint32_t limit;
	uint64_t base;
};

/* X(name, offset in the page, bytes) */
#define VMSA_FIELDS(X)                                                                                       \
	X(pl0_ssp, 0xa0, 8)                                                                                  \
	X(pl1_ssp, 0xa8, 8)                                                                                  \
	X(pl2_ssp, 0xb0, 8)                                                                                  \
	X(pl3_ssp, 0xb8, 8)                                                                                  \
	X(u_cet, 0xc0, 8)                                                                                    \
	X(vmpl, 0xca, 1)                                                                                     \
	X(cpl, 0xcb, 1)                                                                                      \
	X(efer, 0xd0, 8)                                                                                     \
	X(xss, 0x140, 8)                                                                                     \
	X(cr4, 0x148, 8)                                                                                     \
	X(cr3, 0x150, 8)                                                                                     \
	X(cr0, 0x158, 8)                                                                                     \
	X(dr7, 0x160, 8)                                                                                     \
	X(dr6, 0x168, 8)                                                                                     \
	X(rflags, 0x170, 8)                                                                                  \
	X(rip, 0x178, 8)                                                                                     \
	X(dr0, 0x180, 8)                                                                                     \
	X(dr1, 0x188, 8)                                                                                     \
	X(dr2, 0x190, 8)                                                                                     \
	X(dr3, 0x198, 8)                                                                                     \
	X(dr0_mask, 0x1a0, 8)                                                                                \
	X(dr1_mask, 0x1a8, 8)                                                                                \
	X(dr2_mask, 0x1b0, 8)                                                                                \
	X(dr3_mask, 0x1b8, 8)                                                                                \
	X(rsp, 0x1d8, 8)                                                                                     \
	X(s_cet, 0x1e0, 8)                                                                                   \
	X(ssp, 0x1e8, 8)                                                                                     \
	X(isst_addr, 0x1f0, 8)                                                                               \
	X(rax, 0x1f8, 8)                                                                                     \
	X(star, 0x200, 8)                                                                                    \
	X(lstar, 0x208, 8)                                                                                   \
	X(cstar, 0x210, 8)                                                                                   \
	X(sfmask, 0x218, 8)                                                                                  \
	X(kernel_gs_base, 0x220, 8)                                                                          \
	X(sysenter_cs, 0x228, 8)                                                                             \
	X(sysenter_esp, 0x230, 8)                                                                            \
	X(sysenter_eip, 0x238, 8)                                                                            \
	X(cr2, 0x240, 8)                                                                                     \
	X(g_pat, 0x268, 8)                                                                                   \
	X(dbgctl, 0x270, 8)                                                                                  \
	X(br_from, 0x278, 8)                                                                                 \
	X(br_to, 0x280, 8)                                                                                   \
	X(last_excp_from, 0x288, 8)                                                                          \
	X(last_excp_to, 0x290, 8)                                                                            \
	X(pkru, 0x2e8, 4)                                                                                    \
	X(tsc_aux, 0x2ec, 4)                                                                                 \
	X(tsc_scale, 0x2f0, 8)                                                                               \
	X(tsc_offset, 0x2f8, 8)                                                                              \
	X(reg_prot_nonce, 0x300, 8)                                                                          \
	X(rcx, 0x308, 8)                                                                                     \
	X(rdx, 0x310, 8)                                                                                     \
	X(rbx, 0x318, 8)                                                                                     \
	X(rbp, 0x328, 8)                                                                                     \
	X(rsi, 0x330, 8)                                                                                     \
	X(rdi, 0x338, 8)                                                                                     \
	X(r8, 0x340, 8)                                                                                      \
	X(r9, 0x348, 8)                                                                                      \
	X(r10, 0x350, 8)                                                                                     \
	X(r11, 0x358, 8)                                                                                     \
	X(r12, 0x360, 8)                                                                                     \
	X(r13, 0x368, 8)                                                                                     \
	X(r14, 0x370, 8)                                                                                     \
	X(r15, 0x378, 8)                                                                                     \
	X(exit_info_1, 0x390, 8)                                                                             \
	X(exit_info_2, 0x398, 8)                                                                             \
	X(exit_int_info, 0x3a0, 8)                                                                           \
	X(nrip, 0x3a8, 8)                                                                                    \
	X(sev_features, 0x3b0, 8)                                                                            \
	X(vintr_ctrl, 0x3b8, 8)                                                                              \
	X(exit_code, 0x3c0, 8)                                                                               \
	X(virtual_tom, 0x3c8, 8)                                                                             \
	X(tlb_id, 0x3d0, 8)                                                                                  \
	X(pcpu_id, 0x3d8, 8)                                                                                 \
	X(event_inj, 0x3e0, 8)                                                                               \
	X(xcr0, 0x3e8, 8)                                                                                    \
	X(x87_dp, 0x400, 8)                                                                                  \
	X(mxcsr, 0x408, 4)                                                                                   \
	X(x87_ftw, 0x40c, 2)                                                                                 \
	X(x87_fsw, 0x40e, 2)                                                                                 \
	X(x87_fcw, 0x410, 2)                                                                                 \
	X(x87_fop, 0x412, 2)                                                                                 \
	X(x87_ds, 0x414, 2)                                                                                  \
	X(x87_cs, 0x416, 2)                                                                                  \
	X(x87_rip, 0x418, 8)

struct vmsa {
	struct vmsa_seg seg[VMSA_SEGS];
#define X(name, offset, bytes) uint64_t name;
	VMSA_FIELDS(X)
#undef X
	uint8_t fpreg_x87[80], fpreg_xmm[256], fpreg_ymm[256]; /* from offset 0x420 */
};

/* A field as it stands in the page; segments come first, as "es.selector" and so on. */
struct vmsa_field {
	char name[24];
	unsigned offset, bytes;
	uint64_t value;
};

/* The whole page; bytes of no field are 0. A field's upper bits that do not fit are cut off. */
void vmsa_write(const struct vmsa *v, uint8_t page[VMSA_PAGE]);
/* NAME is what errors call the page. Anything of 4096 bytes is read; -EBADMSG otherwise. */
int vmsa_read(const char *name, struct slice page, struct vmsa *ret, struct err *e);
/* The I-th field of a page of VMSA_PAGE bytes by offset, without the fpreg areas; false past the end. */
bool vmsa_nth(struct slice page, size_t i, struct vmsa_field *ret);
/* The offset of the first byte that is not 0 and belongs to no field; VMSA_PAGE where there is none. */
unsigned vmsa_stray(struct slice page);
/* "es" and so on. */
const char *vmsa_seg_name(unsigned seg);
/* A bit of sev_features by the name it has in APM volume 2, table B-4 ("DebugSwap"), or NULL. */
const char *vmsa_feature_name(unsigned bit);
enum { VMSA_SNP_ACTIVE = 1, VMSA_DEBUG_SWAP = 0x20 };
#endif
