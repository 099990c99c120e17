// A key broker to test with: RCAR in one version of the protocol, resources of a folder. It says where it listens on its
// first line, and tells what happened in JSON, a line each.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import canonicalize from 'canonicalize';
import { SignJWT, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { Refused, initdataDigest, pcrOf, sample, tpm } from './evidence.mjs';
import { seal } from './jwe.mjs';

const { values: o } = parseArgs({ options: {
	listen: { type: 'string', default: '127.0.0.1:0' },
	resources: { type: 'string' }, // DIR/repo/type/tag
	version: { type: 'string', default: '0.4.0' },
	joined: { type: 'boolean', default: false }, // of 0.1.0: hashed are nonce, n and e one after another
	tees: { type: 'string', default: 'sample,tpm' },
	manifest: { type: 'string' }, // of a bundle, whose PCRs are expected
	pcrs: { type: 'string' }, // JSON, PCR: hex; on top
	initdata: { type: 'string' }, // the only one that is taken
	'token-life': { type: 'string', default: '300' }, // seconds; negative: expired when it is given
	nonce: { type: 'string' }, // always the same, for vectors
	cert: { type: 'string' },
	key: { type: 'string' },
} });
const [host, port] = o.listen.split(':');
const life = Number(o['token-life']);
const signer = await generateKeyPair('ES256', { extractable: true });
const signerJwk = { alg: 'ES256', ...await exportJWK(signer.publicKey) };
const sessions = new Map();

const tell = (event) => console.log(JSON.stringify(event));

const expected = {};
if (o.manifest)
	for (const [name, value] of Object.entries(JSON.parse(readFileSync(o.manifest)).registers)) {
		const m = /^vtpm\.sha256\.pcr(\d+)$/.exec(name);
		if (m && Number(m[1]) < 15) // in 15 is what ran since
			expected[m[1]] = value;
	}
Object.assign(expected, o.pcrs ? JSON.parse(readFileSync(o.pcrs)) : {});

class Failure extends Error {
	constructor(status, type, detail) {
		super(detail);
		Object.assign(this, { status, body: { type: `https://github.com/confidential-containers/kbs/errors/${type}`, detail } });
	}
}

function session(request) {
	const id = /(?:^|;\s*)kbs-session-id=([0-9a-f]{32})(?:;|$)/.exec(request.headers.cookie ?? '')?.[1];
	const s = sessions.get(id);
	if (s && s.until > Date.now())
		return s;
	sessions.delete(id);
	return null;
}

const setCookie = (s) => ({ 'Set-Cookie': `kbs-session-id=${s.id}; Expires=${new Date(s.until).toUTCString()}` });

function auth(body) {
	if (body.version !== o.version)
		throw new Failure(401, 'AttestationError', `RCAR Auth failed: KBS Client Protocol Version Mismatch: expect =${o.version} while the request is ${body.version}`);
	if (!o.tees.split(',').includes(body.tee))
		throw new Failure(401, 'AttestationError', `RCAR Auth failed: the TEE ${body.tee} is not supported`);
	if (body['extra-params'] === undefined)
		throw new Failure(401, 'AttestationError', 'RCAR Auth failed: missing field `extra-params`');
	const s = { id: randomBytes(16).toString('hex'), until: Date.now() + 300e3, tee: body.tee,
		nonce: o.nonce ?? randomBytes(32).toString('base64') };
	sessions.set(s.id, s);
	return [{ nonce: s.nonce, 'extra-params': '' }, setCookie(s)];
}

// What is hashed into the evidence, and the evidence, by version.
function parts(body, s) {
	if (o.version === '0.1.0') {
		const { 'tee-pubkey': jwk, 'tee-evidence': text } = body;
		return { jwk, evidence: JSON.parse(text), data: { nonce: s.nonce, 'tee-pubkey': jwk } };
	}
	if (o.version !== '0.4.0')
		return { jwk: body['tee-pubkey'], evidence: body['tee-evidence'], data: { nonce: s.nonce, 'tee-pubkey': body['tee-pubkey'] } };
	const { nonce, 'tee-pubkey': jwk } = body['runtime-data'] ?? {};
	const { primary_evidence: evidence, additional_evidence: more } = body['tee-evidence'] ?? {};
	if (nonce !== s.nonce)
		throw new Refused('the nonce is not that of the challenge');
	if (more !== '' || !('init-data' in body))
		throw new Refused('additional_evidence or init-data: expected "" and a member');
	return { jwk, evidence, data: { 'additional-evidence': more, nonce, 'tee-pubkey': jwk }, init: body['init-data'] };
}

function appraise(body, s) {
	const { jwk, evidence, data, init } = parts(body, s);
	const digest = createHash('sha384').update(o.joined ? s.nonce + jwk.n + jwk.e : canonicalize(data)).digest();
	const want = { ...expected };
	const initdata = init ? { digest: initdataDigest(init.body).toString('hex') } : {};
	if (o.initdata && init?.body !== readFileSync(o.initdata, 'utf8'))
		throw new Refused('init-data is not what was expected');
	if (init && '8' in want)
		want[8] = pcrOf(Buffer.from(initdata.digest, 'hex'));
	const claims = s.tee === 'tpm' ? tpm(evidence, digest.subarray(0, 32), want) : sample(evidence, digest);
	return { jwk, claims: { [s.tee]: claims, report_data: digest.toString('base64'), runtime_data_claims: { nonce: s.nonce, 'tee-pubkey': jwk },
		...(init ? { init_data: initdata.digest } : {}) }, compared: s.tee === 'tpm' ? want : {} };
}

async function attest(body, request) {
	const s = session(request);
	if (!s)
		throw new Failure(401, 'AttestationError', 'RCAR Attest failed: session not found');
	if (!s.token) {
		let a;
		try {
			a = appraise(body, s);
		} catch (e) {
			if (!(e instanceof Refused))
				throw e;
			throw new Failure(401, 'AttestationError', `RCAR Attest failed: Verifier evaluate failed: ${e.message}`);
		}
		const now = Math.floor(Date.now() / 1000);
		s.token = await new SignJWT({
			eat_profile: 'tag:github.com,2024:confidential-containers/Trustee',
			iss: 'CoCo-Attestation-Service',
			'ear.verifier-id': { build: 'test', developer: 'https://confidentialcontainers.org' },
			submods: { cpu0: {
				'ear.status': 'affirming', 'ear.trustworthiness-vector': {}, 'ear.appraisal-policy-id': 'default',
				'ear.veraison.annotated-evidence': a.claims,
			} },
		}).setProtectedHeader({ typ: 'JWT', alg: 'ES256', jwk: signerJwk }).setIssuedAt(Math.min(now, now + life - 1))
			.setExpirationTime(now + life).sign(signer.privateKey);
		tell({ event: 'attested', tee: s.tee, claims: a.claims, compared: a.compared });
	}
	return [{ token: s.token }, setCookie(s)];
}

async function resource(path, request) {
	const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
	const token = bearer ?? session(request)?.token;
	if (!token)
		throw new Failure(401, 'TokenNotFound', 'Attestation Token not found');
	let claims;
	try {
		({ payload: claims } = await jwtVerify(token, signer.publicKey, { algorithms: ['ES256'] }));
	} catch (e) {
		throw new Failure(401, 'TokenVerifierError', e.code === 'ERR_JWT_EXPIRED' ? 'the attestation token has expired' : 'the attestation token does not verify');
	}
	const m = /^([\w.-]+)\/([\w.-]+)\/([\w.-]+)$/.exec(path);
	if (!m || path.includes('..'))
		throw new Failure(401, 'InvalidRequestPath', `Request path ${path} is invalid`);
	let plain;
	try {
		plain = readFileSync(join(o.resources, path));
	} catch {
		throw new Failure(404, 'PluginInternalError', `Resource ${path} not found`);
	}
	tell({ event: 'resource', path, by: bearer ? 'token' : 'session' });
	const jwk = claims.submods.cpu0['ear.veraison.annotated-evidence'].runtime_data_claims['tee-pubkey'];
	return [await seal(plain, jwk, o.version), {}];
}

async function body(request) {
	const chunks = [];
	let n = 0;
	for await (const c of request) {
		chunks.push(c);
		if ((n += c.length) > 4 << 20)
			throw new Failure(413, 'ParseJson', 'the request is too long');
	}
	return JSON.parse(Buffer.concat(chunks).toString());
}

async function answer(request) {
	const path = new URL(request.url, 'http://kbs').pathname;
	const plugin = /^\/kbs\/v0\/([^/]+)(?:\/(.*))?$/.exec(path);
	if (request.method === 'POST' && path === '/kbs/v0/auth')
		return auth(await body(request));
	if (request.method === 'POST' && path === '/kbs/v0/attest')
		return attest(await body(request), request);
	if (request.method === 'GET' && plugin?.[1] === 'resource')
		return resource(plugin[2] ?? '', request);
	throw new Failure(404, 'PluginNotFound', `Plugin ${plugin?.[1]} not found`);
}

async function serve(request, response) {
	let status = 200, out, headers = {};
	try {
		[out, headers] = await answer(request);
	} catch (e) {
		({ status, body: out } = e instanceof Failure ? e : new Failure(401, 'ParseJson', String(e.message)));
	}
	const text = JSON.stringify(out);
	tell({ event: 'request', method: request.method, url: request.url, status, ...(status === 200 ? {} : { detail: out.detail }) });
	response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers });
	response.end(text);
}

const server = o.cert ? createTlsServer({ cert: readFileSync(o.cert), key: readFileSync(o.key) }, serve) : createServer(serve);
server.listen(Number(port), host, () => tell({ event: 'listening', port: server.address().port }));
