// Evidence as attesters send it, judged apart from all that the project has in C.
import { createHash, createPublicKey, verify } from 'node:crypto';

const sha256 = (data) => createHash('sha256').update(data).digest();

export class Refused extends Error {}

function demand(holds, what) {
	if (!holds)
		throw new Refused(what);
}

function base64(text, what) {
	demand(typeof text === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(text), `${what}: not base64`);
	return Buffer.from(text, 'base64');
}

// Big-endian structures of TPM 2.0 Library part 2.
class Reader {
	constructor(bytes, what) {
		Object.assign(this, { bytes, what, at: 0 });
	}
	take(n) {
		demand(this.at + n <= this.bytes.length, `${this.what}: ends at ${this.bytes.length}, expected ${this.at + n}`);
		this.at += n;
		return this.bytes.subarray(this.at - n, this.at);
	}
	u8 = () => this.take(1).readUInt8();
	u16 = () => this.take(2).readUInt16BE();
	u32 = () => this.take(4).readUInt32BE();
	sized = () => this.take(this.u16());
	end() {
		demand(this.at === this.bytes.length, `${this.what}: ${this.bytes.length - this.at} bytes too many`);
	}
}

// TPMS_ATTEST (10.12.12): what was quoted.
function attest(message) {
	const r = new Reader(message, 'TPMS_ATTEST');
	demand(r.u32() === 0xff544347, 'TPMS_ATTEST: not made by a TPM');
	demand(r.u16() === 0x8018, 'TPMS_ATTEST: not a quote');
	r.sized(); // qualified name of the signer
	const extra = r.sized();
	r.take(8 + 4 + 4 + 1 + 8); // clock, firmware version
	const pcrs = [];
	demand(r.u32() === 1, 'TPMS_ATTEST: expected one bank');
	demand(r.u16() === 0x000b, 'TPMS_ATTEST: expected the bank sha256');
	const bits = r.take(r.u8());
	for (let i = 0; i < bits.length * 8; i++)
		if (bits[i >> 3] & (1 << (i & 7)))
			pcrs.push(i);
	const digest = r.sized();
	r.end();
	return { extra, pcrs, digest };
}

// Trustee's `tpm` evidence over EXTRA. EXPECTED maps PCR numbers to hex. Returns the PCRs by number.
export function tpm(evidence, extra, expected) {
	const { signature, message, pcrs } = evidence?.tpm_quote ?? {};
	const quoted = base64(message, 'tpm_quote.message');
	const r = new Reader(base64(signature, 'tpm_quote.signature'), 'TPMT_SIGNATURE');
	demand(r.u16() === 0x0014 && r.u16() === 0x000b, 'TPMT_SIGNATURE: expected RSASSA with SHA-256');
	const bytes = r.sized();
	r.end();
	const ak = createPublicKey({ key: base64(evidence.ak_public, 'ak_public'), format: 'der', type: 'spki' });
	demand(ak.asymmetricKeyType === 'rsa' && verify('sha256', quoted, ak, bytes), 'the signature is not the AK\'s');
	const a = attest(quoted);
	demand(a.extra.equals(extra), `extraData is ${a.extra.toString('hex')}, expected ${extra.toString('hex')}`);
	demand(Array.isArray(pcrs) && pcrs.length === 24 && pcrs.every((p) => /^[0-9a-f]{64}$/.test(p)), 'pcrs: expected 24 of SHA-256 in hex');
	for (let i = 0; i < 24; i++)
		demand(a.pcrs.includes(i), `PCR ${i} was not quoted`);
	demand(a.digest.equals(sha256(Buffer.from(a.pcrs.map((i) => pcrs[i]).join(''), 'hex'))), 'the PCRs are not those that were quoted');
	for (const [i, want] of Object.entries(expected))
		demand(pcrs[i] === want, `PCR ${i} is ${pcrs[i]}, expected ${want}`);
	return Object.fromEntries(pcrs.map((p, i) => [`pcr${i}`, p]));
}

// PCR 8 after initdata's digest was extended once into its zeros.
export function pcrOf(digest) {
	demand(digest.length === 32, 'init-data: PCR 8 takes sha256');
	return sha256(Buffer.concat([Buffer.alloc(32), digest])).toString('hex');
}

// Trustee's `sample` evidence, which proves nothing.
export function sample(evidence, digest) {
	demand(evidence?.svn === '1', 'svn: expected "1"');
	demand(base64(evidence.report_data, 'report_data').equals(digest), 'report_data is not that of nonce and key');
	return { svn: '1', launch_digest: 'abcde', platform_version: { major: 1, minor: 4 }, debug: false };
}

// The digest that initdata's own algorithm makes of it.
export function initdataDigest(toml) {
	const alg = /^\s*algorithm\s*=\s*["'](sha(?:256|384|512))["']\s*$/m.exec(toml);
	demand(alg, 'init-data: no algorithm');
	return createHash(alg[1]).update(toml).digest();
}
