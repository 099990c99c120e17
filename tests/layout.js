// Appended to a copy of the report's page, which stands in a frame as wide as a screen: what does not fit, overlaps or cannot
// be read, one line each, to the page around it.
(function () {
	const found = {}; // by kind, a few of each
	const say = (kind, what) => (found[kind] = found[kind] || new Set()).size < 8 && found[kind].add(kind + ": " + what);
	const width = document.documentElement.clientWidth;
	document.querySelectorAll("details").forEach((d) => (d.open = true));
	if (document.documentElement.scrollWidth > width)
		say("scrolls sideways", document.documentElement.scrollWidth + " > " + width);
	const name = (e) => e.tagName + "." + (e.getAttribute("class") || "") + " " + e.textContent.replace(/\s+/g, " ").slice(0, 40);
	const shown = (e) => e.getClientRects().length && getComputedStyle(e).clipPath === "none" && !e.closest(".hidden, thead");
	const box = (e) => e.getBoundingClientRect();

	document.querySelectorAll("body *").forEach((e) => {
		if (shown(e) && !e.closest("svg") && box(e).right > width + 1) say("beyond the page", name(e));
	});
	document.querySelectorAll("svg").forEach((svg) => {
		const frame = box(svg);
		const texts = [...svg.querySelectorAll("text")].filter((t) => !t.getAttribute("transform") && shown(t));
		texts.forEach((t, i) => {
			const a = box(t);
			if (a.right > frame.right + 1.5 || a.left < frame.left - 1.5) say("cut off", name(t));
			texts.slice(i + 1).forEach((u) => {
				const b = box(u);
				const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
				const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
				if (x > 1 && y > 0.35 * Math.min(a.height, b.height)) say("overlap", name(t) + " / " + name(u));
			});
		});
	});

	const rgb = (c) => c.match(/[\d.]+/g).map(Number);
	const light = (c) => {
		const [r, g, b] = c.slice(0, 3).map((v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const below = (e) => {
		for (; e; e = e.parentElement) {
			const c = rgb(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] > 0.5) return c;
		}
		return [255, 255, 255];
	};
	const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
	document.querySelectorAll("body *").forEach((e) => {
		const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
		if (!own || !shown(e) || ["TITLE", "DESC", "title", "desc"].includes(e.tagName)) return;
		const svg = e.closest("svg");
		let back = below(svg ? svg.parentElement : e);
		const leaf = svg && e.parentElement.querySelector(".leaf");
		if (leaf) back = rgb(getComputedStyle(leaf).fill);
		const ratio = contrast(rgb(svg ? getComputedStyle(e).fill : getComputedStyle(e).color), back);
		if (ratio < 4.5) say("contrast", ratio.toFixed(2) + " of " + name(e));
	});
	const dark = matchMedia("(prefers-color-scheme: dark)").matches;
	const first = "probed " + window.innerWidth + " " + (dark ? "dark" : "light") + " " + document.querySelectorAll("text").length;
	parent.postMessage([first + " texts", ...Object.values(found).flatMap((s) => [...s])].join("\n"), "*");
})();
