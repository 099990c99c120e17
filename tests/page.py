# What a browser would not forgive and what a reader must find: page.py REPORT.json REPORT.html
import json
import sys
import xml.etree.ElementTree as tree

report = json.load(open(sys.argv[1]))
text = open(sys.argv[2]).read()
assert text.startswith("<!DOCTYPE html>\n")
root = tree.fromstring(text)  # expat: well-formed, so that HTML and XML readers see the same
parents = {child: parent for parent in root.iter() for child in parent}
elements = list(root.iter())


def content(e):
    return "".join(e.itertext())


names = {e.tag for e in elements}
assert not names & {"script", "link", "img", "iframe", "object", "embed", "image", "use", "foreignObject"}, names
for word in ("http:", "https:", "//", "@import", "@font-face", "javascript:"):
    assert word not in text.replace("http-equiv", ""), word
for e in elements:
    for name, value in e.attrib.items():
        assert not name.startswith("on") and name not in ("src", "style"), name
        assert name != "href" or value[0] == "#", value
        assert "url(" not in value or value.startswith("url(#"), value
ids = [e.get("id") for e in elements if e.get("id")]
assert len(ids) == len(set(ids)), "ids that are not unique"
for e in elements:
    for name in ("aria-labelledby",):
        assert e.get(name) is None or e.get(name) in ids, e.get(name)
    assert e.tag != "a" or e.get("href")[1:] in ids, e.get("href")
    assert not e.get("fill", "").startswith("url(") or e.get("fill")[5:-1] in ids, e.get("fill")
    if e.tag == "svg":
        assert e.get("aria-hidden") == "true" or (e.get("role") == "img" and e[0].tag == "title"), e.attrib
    if e.tag == "table":
        assert all(th.get("scope") for th in e.iter("th")) and len(list(e.iter("th"))), "a table without headings"

rows = {content(tr[0]).split()[0]: tr for tr in root.iter("tr") if "matrix" in parents[parents[tr]].get("class", "")}
bundles = {b["manifest"]["platform"]: b for b in report["bundles"]}
assert set(rows) - {"platform"} == set(bundles), rows.keys()
for platform, b in bundles.items():
    row, manifest = rows[platform], b["manifest"]
    debug = manifest["profile"] == "debug"
    assert ("never matches" in content(row)) == debug and (row.get("class") == "debug") == debug, platform
    shown = {}
    for li in row.iter("li"):
        name = [e for e in li.iter() if e.get("class") == "reg"][0]
        code = [e for e in li.iter("code")]
        shown[name.text] = code[0].get("title") if code else None
    want = dict(manifest["registers"], **dict.fromkeys(manifest.get("unknown", {})))
    assert shown == want, (platform, shown, want)
    assert not b.get("disagrees"), (platform, b["disagrees"])
    for witness in b["witnesses"].values():
        assert witness in content(row), (platform, witness)
cards = {}
for a in root.iter("article"):
    if "waterfall" in tree.tostring(a, "unicode"):
        for name in a.find("h3").text.strip().split(", "):
            assert name not in cards, name
            cards[name] = a
for platform, card in cards.items():
    measured = bundles[platform]["measured"][-1]
    titles = [content(t) for t in card.iter("title")]
    for step in measured["steps"]:
        if step["digest"]:
            assert any(step["digest"] in t for t in titles) or any(
                c.get("title") == step["digest"] for c in card.iter("code")
            ), (platform, step)
assert set(cards) == set(bundles), cards.keys()
facts = [e.get("title") for e in root.iter("code")]
for a in report["artefacts"]:
    assert a["sha256"] in facts, a["name"]
sizes = [tr for tr in root.iter("tr") if "sizes" in parents[parents[tr]].get("class", "") and parents[tr].tag == "tbody"]
assert len(sizes) == len(report["artefacts"])
by_budget = sorted(report["artefacts"], key=lambda a: "bundles" in a and not a["budget"])
for tr, a in zip(sizes, by_budget):
    cell = " ".join(content(td) for td in tr)
    used = "%.0f %%" % (100 * a["size"] / a["budget"]) if a["budget"] else "no budget"
    assert used in cell and "%d bytes" % a["size"] in [td.get("title") for td in tr], (cell, a)
    assert ("over budget" in cell) == bool(a["budget"] and a["size"] > a["budget"]), cell
