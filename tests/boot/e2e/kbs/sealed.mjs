// A sealed secret of kind `vault`: "sealed." and a JWS over the name of a resource. sealed.mjs PRIVATE-JWK KEY-URI NAME
import { readFileSync } from 'node:fs';
import { CompactSign, importJWK } from 'jose';

const [file, kid, name] = process.argv.slice(2);
const payload = { version: '0.1.0', type: 'vault', name, provider: 'kbs', provider_settings: {}, annotations: {} };
const jws = await new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: 'ES256', kid })
	.sign(await importJWK(JSON.parse(readFileSync(file)), 'ES256'));
console.log(`sealed.${jws}`);
