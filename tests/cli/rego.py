"""Evaluates the claims of an attestation policy as published: rego.py POLICY CLAIMS MESSAGE…

Of Rego it knows what Trustee's default CPU policy is written in: complete rules with bodies, one condition a line, `else`,
`in`, `==`, `>=`, `x := y[_]`, and query_reference_value(), which answers from the RVPS messages. Anything else in a rule
that counts is an error. OPA 0.47, to which the same policy, claims and messages were given, says the same of them. Prints "executables hardware configuration STATUS", STATUS by AR4SI (draft-ietf-rats-ar4si, 2.3.2).
"""
import base64
import json
import re
import sys

RULE = re.compile(r"^(?:default )?(\w+)(?: := (\d+))?(?: if \{)?$")


def parse(text):
    """{name: ([default], [[(value, [condition])], …])}: each definition is a chain of a rule and its elses"""
    rules, body = {}, None
    for line in text.splitlines():
        line = line.split("#")[0].rstrip()
        if body is not None:
            if line == "}":
                body = None
            elif line.strip():
                body.append(line.strip())
            continue
        m = RULE.match(line)
        if not m or not ("default " in line or line.endswith("{")):
            continue
        name, value = m.group(1), int(m.group(2)) if m.group(2) else True
        if line.startswith("default "):
            rules.setdefault(name, ([], []))[0].append(value)
            continue
        body = []
        if name == "else":
            chain.append((value, body))
        else:
            chain = [(value, body)]
            rules.setdefault(name, ([], []))[1].append(chain)
    return rules


class Undefined(Exception):
    pass


class Policy:
    def __init__(self, text, claims, values):
        self.rules, self.claims, self.values = parse(text), claims, values

    def term(self, text, bound):
        text = text.strip()
        m = re.fullmatch(r'query_reference_value\("(\w+)"\)', text)
        if m:
            return self.values.get(m.group(1))  # Trustee answers null for what it does not know
        if re.fullmatch(r'"[^"]*"|\d+|true|false', text):
            return json.loads(text)
        m = re.fullmatch(r'(\w+)((?:\.\w+|\["[^"]+"\])*)', text)
        if not m:
            raise SystemExit(f"rego.py: {text}: not known")
        name, path = m.groups()
        if name in bound:
            value = bound[name]
        elif name == "input":
            value = self.claims
        else:
            value = self.rule(name)
        for key in re.findall(r'\w[^".\]]*', path):
            if not isinstance(value, dict) or key not in value:
                raise Undefined
            value = value[key]
        return value

    def holds(self, conditions, bound):
        if not conditions:
            return True
        line, rest = conditions[0], conditions[1:]
        m = re.fullmatch(r"(\w+) := (.+)\[_\]", line)
        try:
            if m:
                return any(self.holds(rest, {**bound, m.group(1): one}) for one in self.term(m.group(2), bound))
            m = re.fullmatch(r"(.+?) (in|==|>=) (.+)", line)
            if not m:
                value = self.term(line, bound)
                return value is not False and self.holds(rest, bound)
            a, op, b = self.term(m.group(1), bound), m.group(2), self.term(m.group(3), bound)
        except Undefined:
            return False
        same = lambda x, y: json.dumps(x, sort_keys=True) == json.dumps(y, sort_keys=True)  # 1, true and "1" are three
        if op == "in":
            ok = isinstance(b, list) and any(same(a, one) for one in b)
        elif op == "==":
            ok = same(a, b)
        else:
            ok = type(a) is type(b) is int and a >= b
        return ok and self.holds(rest, bound)

    def rule(self, name):
        defaults, chains = self.rules[name]
        found = {next(v for v, _ in hit) for hit in (
            [(v, b) for v, b in chain if self.holds(b, {})][:1] for chain in chains) if hit}
        if len(found) > 1:
            raise SystemExit(f"rego.py: {name} is {found}")
        if not found and not defaults:
            raise Undefined
        return found.pop() if found else defaults[0]


def tier(claim):
    return 0 if claim in (0, 1) else 2 if claim < 32 else 32 if claim < 96 else 96


def main():
    policy, claims, messages = sys.argv[1], sys.argv[2], sys.argv[3:]
    values = {}
    for path in messages:
        message = json.load(open(path))
        assert message["version"] == "0.1.0" and message["type"] == "sample"
        values.update(json.loads(base64.b64decode(message["payload"], validate=True)))
    p = Policy(open(policy).read(), json.load(open(claims)), values)
    got = [p.rule(n) for n in ("executables", "hardware", "configuration")]
    status = {0: "none", 2: "affirming", 32: "warning", 96: "contraindicated"}[max(map(tier, got))]
    print(*got, status)


main()
