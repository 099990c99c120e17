// A TPM's quote that Trustee has among its own test data is taken, and nothing that was changed in it: TAP.
import { readFileSync } from 'node:fs';
import { pcrOf, tpm } from './evidence.mjs';

const good = JSON.parse(readFileSync(process.argv[2]));
const initdata = JSON.parse(readFileSync(process.argv[3]))[0];
const message = Buffer.from(good.tpm_quote.message, 'base64');
const extra = message.subarray(44, 108); // after magic, type, the signer's name, two lengths
const flip = (base64, at) => {
	const b = Buffer.from(base64, 'base64');
	b[at] ^= 1;
	return b.toString('base64');
};
const changed = (what) => ({ ...good, tpm_quote: { ...good.tpm_quote, ...what } });

function test(name, pattern, evidence, data = extra, expected = {}) {
	let said = '';
	try {
		tpm(evidence, data, expected);
	} catch (e) {
		said = e.message;
	}
	const passed = pattern ? pattern.test(said) : said === '';
	console.log(`${passed ? 'ok' : 'not ok'} - ${name}${passed ? '' : `: ${said}`}`);
}

const pcrs = good.tpm_quote.pcrs;
test('the quote is taken', null, good, extra, { 0: pcrs[0], 16: pcrs[16] });
test('another nonce is not', /^extraData is/, good, Buffer.alloc(64));
test('a changed quote is not', /signature/, changed({ message: flip(good.tpm_quote.message, 60) }));
test('a changed signature is not', /signature/, changed({ signature: flip(good.tpm_quote.signature, 40) }));
test('another AK is not', /signature|asn1|decoder/i, { ...good, ak_public: flip(good.ak_public, 100) });
test('a PCR that was not quoted is not', /not those that were quoted/, changed({ pcrs: ['1'.repeat(64), ...pcrs.slice(1)] }));
test('a PCR other than the expected one is not', /^PCR 4 is 0+, expected 1+$/, good, extra, { 4: '1'.repeat(64) });
test('half a quote is not', /ends at|signature/, changed({ message: good.tpm_quote.message.slice(0, 80) }));

const got = pcrOf(Buffer.from(initdata.digest_hex, 'hex'));
console.log(`${got === initdata.pcr8_sha256_after_one_extend_hex ? 'ok' : 'not ok'} - PCR 8 of initdata is the vector's`);
