#include "format/cpio.h"
#include "lib/mem.h"
#include "measure/stub.h"
#include <stddef.h>

enum source { SECTION, SECTION_AS_FILE, FILES, PREVIOUS, BOOT_SECRET };

/* The words of a profile's Stub.Initrds. Folders, names and modes: systemd's src/boot/stub.c,
 * generate_sidecar_initrds and generate_embedded_initrds. */
static const struct kind {
	const char *word;
	enum source source;
	const char *name; /* of the section; of the files' folder */
	const char *file; /* the file's name; the ending of the files' names */
	const char *but;  /* an ending that is not taken */
	unsigned mode;    /* of the folder */
	unsigned file_mode;
	unsigned pcr;
	const char *what;
	size_t at; /* in struct inputs */
} kinds[] = {
	{ .word = "ucode", .source = SECTION, .name = ".ucode" },
	{ .word = "initrd", .source = SECTION, .name = ".initrd" },
	{ .word = "previous", .source = PREVIOUS },
	{ "credentials", FILES, ".extra/credentials", ".cred", NULL, 0500, 0400, PCR_KERNEL_CONFIG,
	        "Credentials initrd", offsetof(struct inputs, credentials) },
	{ "global-credentials", FILES, ".extra/global_credentials", ".cred", NULL, 0500, 0400,
	        PCR_KERNEL_CONFIG, "Global credentials initrd", offsetof(struct inputs, global_credentials) },
	{ "sysext", FILES, ".extra/sysext", ".raw", ".confext.raw", 0555, 0444, PCR_SYSEXTS,
	        "System extension initrd", offsetof(struct inputs, sysexts) },
	{ "confext", FILES, ".extra/confext", ".confext.raw", NULL, 0555, 0444, PCR_KERNEL_CONFIG,
	        "Configuration extension initrd", offsetof(struct inputs, confexts) },
	{ .word = "pcrsig", .source = SECTION_AS_FILE, .name = ".pcrsig", .file = "tpm2-pcr-signature.json" },
	{ .word = "pcrpkey",
	        .source = SECTION_AS_FILE,
	        .name = ".pcrpkey",
	        .file = "tpm2-pcr-public-key.pem" },
	{ .word = "osrel", .source = SECTION_AS_FILE, .name = ".osrel", .file = "os-release" },
	{ .word = "profile", .source = SECTION_AS_FILE, .name = ".profile", .file = "profile" },
	{ .word = "boot-secret", .source = BOOT_SECRET },
};

/* Takes over OWN where it has the data. */
static void add(struct pieces *p, struct slice data, struct buf *own)
{
	p->v = xrealloc(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n] = (struct piece){ .data = data };
	if (own) {
		p->v[p->n].own = *own;
		*own = (struct buf){ 0 };
	}
	p->n++;
}

static int add_section(struct stub *st, const struct kind *k, struct err *e)
{
	struct cpio c = { 0 };
	struct slice data;
	uint64_t offset;

	if (uki_section(&st->uki, k->name, &data, &offset) != UKI_PRESENT)
		return 0;
	if (k->source == SECTION) {
		add(&st->initrd, data, NULL);
		return 0;
	}
	cpio_folder(&c, ".extra", 0555);
	if (cpio_file(&c, ".extra", k->file, 0444, data, e)) {
		buf_free(&c.buf);
		return e->code;
	}
	cpio_end(&c);
	add(&st->initrd, buf_slice(&c.buf), &c.buf);
	return 0;
}

static int add_files(struct stub *st, const struct kind *k, struct err *e)
{
	const struct blobs *blobs = (const void *)((const char *)st->in + k->at);
	const struct blob *sorted[INPUTS_MANY];
	struct cpio c = { 0 };

	if (!blobs->n)
		return 0;
	stub_sort(blobs, sorted);
	cpio_folder(&c, k->name, k->mode);
	for (size_t i = 0; i < blobs->n; i++) {
		const char *name = stub_file_name(st, sorted[i], k->file, k->but, e);

		if (!name || cpio_file(&c, k->name, name, k->file_mode, sorted[i]->data, e)) {
			buf_free(&c.buf);
			return e->code;
		}
	}
	cpio_end(&c);
	stub_event(st, k->pcr, EV_IPL, k->what, k->word, 0, buf_slice(&c.buf));
	add(&st->initrd, buf_slice(&c.buf), &c.buf);
	return 0;
}

static int add_kind(struct stub *st, const struct kind *k, struct err *e)
{
	switch (k->source) {
	case SECTION:
	case SECTION_AS_FILE:
		return add_section(st, k, e);
	case FILES:
		return add_files(st, k, e);
	case PREVIOUS:
		if (st->in->initrd.given && st->in->initrd.data.n)
			add(&st->initrd, st->in->initrd.data, NULL);
		break;
	case BOOT_SECRET:
		if (!st->in->no_boot_secret)
			st->initrd_unknown =
			        "systemd-stub appends a boot secret of the machine to the initrd, unless "
			        "neither "
			        "firmware nor disk has a source of randomness (--no-boot-secret)";
		break;
	}
	return 0;
}

static const struct kind *find(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].word, word))
			return &kinds[i];
	return NULL;
}

/* What was given must have a place in this stub's initrd. */
static int check_given(const struct stub *st, const char *words, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];
		const struct blobs *blobs = (const void *)((const char *)st->in + k->at);
		_free_ char *all = xasprintf(" %s ", words), *one = xasprintf(" %s ", k->word);
		bool given =
		        (k->source == FILES && blobs->n) || (k->source == PREVIOUS && st->in->initrd.given);

		if (!given || strstr(all, one))
			continue;
		err_set(e, -EINVAL, "systemd-stub %u takes no %s", st->s->stub.version,
		        k->source == PREVIOUS ? "initrd beside the UKI's" : k->word);
		return err_exit(e, EX_USAGE);
	}
	return 0;
}

/* Each piece is padded to 4 bytes when there are several (combine_initrds). */
static void pad(struct pieces *p)
{
	static const uint8_t zeros[4];

	for (size_t i = 0; i < p->n; i++) {
		size_t n = -p->v[i].data.n & 3;

		if (!n)
			continue;
		p->v = xrealloc(p->v, p->n + 1, sizeof(*p->v));
		memmove(p->v + i + 2, p->v + i + 1, (p->n - i - 1) * sizeof(*p->v));
		p->v[++i] = (struct piece){ .data = slice_of(zeros, n) };
		p->n++;
	}
}

int stub_initrds(struct stub *st, struct err *e)
{
	_free_ char *words = xstrdup(st->s->stub.initrds);
	char *save = NULL;

	if (check_given(st, st->s->stub.initrds, e))
		return e->code;
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		const struct kind *k = find(w);

		if (!k)
			return err_set(e, -EINVAL, "profile %s: Stub.Initrds: '%s' is not known",
			        st->s->profile[STACK_STUB].name, w);
		if (add_kind(st, k, e))
			return e->code;
	}
	return 0;
}

void stub_pad_initrds(struct stub *st)
{
	if (st->front.n + st->initrd.n < 2)
		return;
	pad(&st->front);
	pad(&st->initrd);
}
