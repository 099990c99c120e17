/*
 * One SHA-2 kernel (FIPS 180-4, §6.2 and §6.5), which measure/lanes.c includes once for each width of word
 * and vector: message l goes through the rounds in lane l. Before the include, beside the algorithm's
 * constants: KERNEL, the function's name; TARGET, its attribute; LANES.
 */
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define VEC JOIN(KERNEL, _vec)
#define BLOCK (16 * sizeof(WORD))
typedef WORD VEC __attribute__((vector_size(LANES * sizeof(WORD))));

TARGET static void JOIN(KERNEL, _blocks)(VEC h[8], const uint8_t *p[LANES], size_t blocks)
{
	while (blocks--) {
		VEC a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], i = h[7], w[16];

		for (size_t t = 0; t < 16; t++)
			for (size_t l = 0; l < LANES; l++)
				w[t][l] = BE_WORD(p[l] + t * sizeof(WORD));
		for (size_t l = 0; l < LANES; l++)
			p[l] += BLOCK;
			/* a multiple of 16, so that the places in w are constants */
#pragma GCC unroll 16
		for (size_t t = 0; t < ROUNDS; t++) {
			VEC t1, t2;

			if (t >= 16)
				w[t % 16] += G1(w[(t + 14) % 16]) + w[(t + 9) % 16] + G0(w[(t + 1) % 16]);
			t1 = i + S1(e) + (g ^ (e & (f ^ g))) + K(t) + w[t % 16];
			t2 = S0(a) + ((a & b) | (c & (a | b)));
			i = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
		}
		h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += i;
	}
}

/* At most LANES messages, one behind the other; lanes beyond N repeat the first. */
TARGET static void KERNEL(const uint8_t *msgs, size_t n, size_t size, uint8_t *ret)
{
	uint8_t tail[LANES][2 * BLOCK] = { 0 };
	size_t rest = size % BLOCK, tail_blocks = rest + 1 + 2 * sizeof(WORD) > BLOCK ? 2 : 1;
	const uint8_t *p[LANES];
	VEC h[8];

	for (size_t i = 0; i < 8; i++)
		h[i] = (VEC){ 0 } + IV[i];
	for (size_t l = 0; l < LANES; l++)
		p[l] = msgs + (l < n ? l : 0) * size;
	JOIN(KERNEL, _blocks)(h, p, size / BLOCK);
	for (size_t l = 0; l < LANES; l++) {
		memcpy(tail[l], p[l], rest);
		tail[l][rest] = 0x80;
		put_be64(tail[l] + tail_blocks * BLOCK - 8, (uint64_t)size * 8);
		p[l] = tail[l];
	}
	JOIN(KERNEL, _blocks)(h, p, tail_blocks);
	for (size_t l = 0; l < n; l++)
		for (size_t i = 0; i < DIGEST / sizeof(WORD); i++, ret += sizeof(WORD))
			PUT_BE_WORD(ret, h[i][l]);
}
#undef JOIN_
#undef JOIN
#undef VEC
#undef BLOCK
#undef KERNEL
#undef TARGET
#undef LANES
