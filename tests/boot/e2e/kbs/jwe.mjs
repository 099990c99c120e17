// A resource as a JWE (RFC 7516) to the TEE's key, in the shape of each version of the protocol.
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { FlattenedEncrypt, importJWK } from 'jose';

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

// 0.1.x: the header is JSON as it is, the tag ends the ciphertext, and nothing else is authenticated.
function old(plain, jwk) {
	const padding = { RSA1_5: constants.RSA_PKCS1_PADDING, 'RSA-OAEP-256': constants.RSA_PKCS1_OAEP_PADDING }[jwk.alg];
	const key = createPublicKey({ key: jwk, format: 'jwk' });
	const cek = randomBytes(32), iv = randomBytes(12);
	const cipher = createCipheriv('aes-256-gcm', cek, iv);
	const text = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
	return {
		protected: JSON.stringify({ alg: jwk.alg, enc: 'A256GCM' }),
		encrypted_key: base64url(publicEncrypt({ key, padding, oaepHash: 'sha256' }, cek)),
		iv: base64url(iv),
		ciphertext: base64url(text),
		tag: '',
	};
}

export async function seal(plain, jwk, version) {
	if (version.startsWith('0.1.'))
		return old(plain, jwk);
	if (!['ECDH-ES+A256KW', 'RSA-OAEP-256'].includes(jwk.alg))
		throw new Error(`the key's algorithm is ${jwk.alg}`);
	return new FlattenedEncrypt(plain)
		.setProtectedHeader({ alg: jwk.alg, enc: 'A256GCM' })
		.encrypt(await importJWK(jwk, jwk.alg));
}
