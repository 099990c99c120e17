#include "measure/fv.h"
#include "lib/mem.h"

const struct volumes *fv_volumes(struct events *ev)
{
	const struct blob *f = &ev->in->firmware;
	const struct stack *s = &ev->in->stack;
	struct volumes *v = ev->volumes;
	uint8_t digest[SHA256_LEN];
	struct err e = { 0 };

	if (v)
		return v;
	ev->volumes = v = xcalloc(1, sizeof(*v));
	if (!f->given) {
		snprintf(v->why, sizeof(v->why), "give --firmware");
	} else if (fv_unpack(f->name, f->data, &v->bytes, &v->pei, &v->dxe, &e)) {
		snprintf(v->why, sizeof(v->why), "%.*s", (int)sizeof(v->why) - 1, e.msg);
	} else {
		hash_slice(result_hash(ev->out, HASH_SHA256), v->pei.bytes, digest);
		for (size_t i = 0; i < s->n_pei_fvs; i++)
			if (!memcmp(s->pei_fvs[i].sha256, digest, sizeof(digest)))
				v->known = &s->pei_fvs[i];
	}
	return v;
}

void fv_volumes_free(struct events *ev)
{
	if (ev->volumes)
		buf_free(&ev->volumes->bytes);
	free(TAKE(ev->volumes));
}

static void unknown_build(struct events *ev, const struct event *event, const struct volumes *v)
{
	char why[300], hex[SHA256_HEX];
	uint8_t digest[SHA256_LEN];

	if (v->why[0]) {
		snprintf(why, sizeof(why), "%s: %s", event->what, v->why);
	} else {
		hash_slice(result_hash(ev->out, HASH_SHA256), v->pei.bytes, digest);
		snprintf(why, sizeof(why),
		        "%s: profile %s has no PeiFv line for PEI's volume of this build, %s", event->what,
		        ev->in->stack.profile[STACK_FIRMWARE].name, hex_encode(hex, digest, sizeof(digest)));
	}
	event_unknown(ev, event, why);
}

/* PcdFirmwareVersionString in UTF-16 with its NUL (edk2 SecurityPkg/Tcg/Tcg2Pei/Tcg2Pei.c,
 * MeasureCRTMVersion). */
int source_crtm_version(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct volumes *v = fv_volumes(ev);
	struct event event = { r->pcr, r->type, "firmware version", "", 0, 0 };
	_buf_ struct buf text = { 0 };

	(void)e;
	if (!v->known) {
		unknown_build(ev, &event, v);
		return 0;
	}
	for (const char *p = v->known->version;; p++) {
		put_le16(buf_zeros(&text, 2), (uint8_t)*p);
		if (!*p)
			break;
	}
	event_data(ev, &event, buf_slice(&text));
	return 0;
}

/* PEI's modules run in place and write to their own variables before Tcg2Pei hashes the volume that they are
 * part of; what they leave there is not in the image. */
static void measure_pei(struct events *ev, const struct event *event, const struct volumes *v)
{
	_buf_ struct buf run = { 0 };

	if (!v->known) {
		unknown_build(ev, event, v);
		return;
	}
	if (v->known->varies) {
		event_unknown(ev, event,
		        "PEI volume: this build keeps what it finds out about the machine in its own volume "
		        "before it is measured");
		return;
	}
	buf_add(&run, v->pei.bytes.p, v->pei.bytes.n);
	if (v->known->n <= run.n && v->known->at <= run.n - v->known->n)
		memcpy(run.p + v->known->at, v->known->patch, v->known->n);
	event_data(ev, event, buf_slice(&run));
}

int source_firmware_volume(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct volumes *v = fv_volumes(ev);
	bool pei = !strcmp(r->arg, "pei");
	struct event event = { r->pcr, r->type, pei ? "PEI volume" : "DXE volume", "firmware", 0, 0 };

	if (!pei && strcmp(r->arg, "dxe"))
		return err_set(e, -EINVAL, "profile %s: source firmware-volume: '%s', expected pei or dxe",
		        ev->in->stack.profile[STACK_FIRMWARE].name, r->arg);
	if (pei)
		measure_pei(ev, &event, v);
	else if (v->why[0])
		unknown_build(ev, &event, v);
	else
		event_data(ev, &event, v->dxe.bytes);
	return 0;
}
