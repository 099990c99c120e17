// An ocicrypt key provider of kind `cmd` (spec/keyprovider of containers/ocicrypt): skopeo has it wrap a layer's key with a KEK
// that the broker holds, as guest-components' annotation packets. The parameter is "PACKET::KEY-URI::FILE", PACKET one of
// gcm, ctr, gcmv2.
import { createCipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

const input = JSON.parse(readFileSync(0));
if (input.op !== 'keywrap')
	throw new Error(`${input.op}: this only wraps`);
const [packet, kid, file] = Buffer.from(input.keywrapparams.ec.Parameters['attestation-agent'][0], 'base64').toString().split('::');
const options = Buffer.from(input.keywrapparams.optsdata, 'base64');
const ctr = packet === 'ctr';
const iv = randomBytes(ctr ? 16 : 12);
const cipher = createCipheriv(ctr ? 'aes-256-ctr' : 'aes-256-gcm', readFileSync(file), iv);
const text = Buffer.concat([cipher.update(options), cipher.final(), ctr ? Buffer.alloc(0) : cipher.getAuthTag()]);
const annotation = {
	kid, wrapped_data: text.toString('base64'), iv: iv.toString('base64'), wrap_type: ctr ? 'A256CTR' : 'A256GCM',
	...(packet === 'gcmv2' ? { version: '0.1.0', provider: 'kbs' } : {}),
};
console.log(JSON.stringify({ keywrapresults: { annotation: Buffer.from(JSON.stringify(annotation)).toString('base64') } }));
