// Package acme classifies the error texts of CAs and of ACME clients, and checks
// that a CA can be reached.
package acme

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"domovoy/checks"
)

// Classifier turns texts of an issuance log into codes. It is safe for
// concurrent use. Compiling its rules is slow: make one and keep it.
type Classifier struct {
	// account are the CA's answers about the account, its limits and its
	// policy, and failures to reach the CA. The first rule that matches wins:
	// after such an answer the client tried nothing else.
	account []rule
	// verdicts are what the CA's validators saw. Of several, the first in the
	// text wins; a problem of the primary validator takes precedence over one
	// of a remote validator.
	verdicts []rule
	// rest are less specific phrases, down to the bare problem type. The first
	// rule that matches wins. In public logs one phrase occurs under several
	// types but never with two meanings, so types come last.
	rest []rule
}

// NewClassifier compiles the rules. The phrases are those of Boulder (problem
// texts of wfe2, ra, va, bdns and ratelimits, old and new), of clients (certbot,
// acme.sh, lego, certmagic, dehydrated, mod_md, win-acme, Posh-ACME), and of web
// servers.
func NewClassifier() *Classifier {
	return &Classifier{
		account:  compile(accountRules(), limitRules(), policyRules(), selfRules(), wayRules()),
		verdicts: compile(fileRules(), recordRules(), connectionRules(), nameRules()),
		rest:     compile(serverRules(), internalRules(), refusedRules(), clientRules(), hostRules(), vagueRules(), typeRules()),
	}
}

// Classify returns the code of an error text with its arguments, or "" when no
// rule matches: an unknown text is shown as it is and never guessed at. A
// failure of the CA's remote validators alone is CARemote, with the inner code
// as the argument "inner". The argument "unpause" is a secret: see
// checks.Secret.
func (c *Classifier) Classify(text string) (checks.Code, checks.Args) {
	t := read(text)
	p, ok := first(c.account, t)
	if !ok {
		p, ok = earliest(c.verdicts, t)
	}
	if !ok {
		p, ok = first(c.rest, t)
		p.remote = ok && p.code != checks.CAInternal && strings.Contains(t.lower, secondary)
	}
	if !ok && strings.Contains(t.lower, secondary) {
		return checks.CARemote, t.arguments(problem{args: checks.Args{}})
	}
	if !ok {
		return "", nil
	}
	args := t.arguments(p)
	if p.remote && p.code != checks.CAInternal { // a fault of the CA is one for each of its validators
		args["inner"] = string(p.code)
		return checks.CARemote, args
	}
	return p.code, args
}

// persistent is the label of the record of DNS-PERSIST-01 (draft-ietf-acme-dns-
// persist, section 3), before the name.
const persistent = "_validation-persist."

// problem is what a rule found in a text.
type problem struct {
	code   checks.Code
	at     int  // offset in the text, bytes
	remote bool // seen only by the CA's remote validators
	args   checks.Args
}

// first returns the problem of the first rule, in order, that matches.
func first(rules []rule, t words) (problem, bool) {
	for i := range rules {
		if found := rules[i].find(t, 1); len(found) > 0 {
			return found[0], true
		}
	}
	return problem{}, false
}

// mostProblems is how many matches of one kind are examined in a text. A
// certificate has up to a hundred names, but the first few suffice.
const mostProblems = 8

// earliest returns the problem that comes first in the text, preferring those
// of the CA's primary validator.
func earliest(rules []rule, t words) (best problem, ok bool) {
	for i := range rules {
		for _, p := range rules[i].find(t, mostProblems) {
			p.remote = t.remote(p.at)
			if !ok || best.remote && !p.remote || best.remote == p.remote && p.at < best.at {
				best, ok = p, true
			}
		}
	}
	return best, ok
}

// arguments returns a problem's arguments and those from the text around it.
func (t words) arguments(p problem) checks.Args {
	args := maps.Clone(p.args)
	if name := t.name(p); name != "" {
		args["name"] = name
		if of, ok := strings.CutPrefix(name, "_acme-challenge."); ok { // RFC 8555 section 8.4
			args["record"], args["name"], args["challenge"] = name, of, "dns-01"
		}
		if of, ok := strings.CutPrefix(name, persistent); ok {
			args["record"], args["name"], args["challenge"] = name, of, "dns-persist-01"
		}
	}
	delete(args, "host")
	switch p.code {
	case checks.CARateLimited, checks.CAInternal:
		t.retry(args)
	case checks.CAPaused:
		if link := unpause.FindString(t.plain); link != "" {
			args["unpause"] = link
		}
	}
	return args
}

// phrase is a rule as written in the source, in lower case.
type phrase struct {
	code    checks.Code
	says    []string    // one of these must occur in the text
	pattern string      // must match too; its named groups become arguments; empty: says suffices
	args    checks.Args // arguments that follow from the phrase itself
}

// rule is a compiled phrase. Searching for plain words is a hundred times
// faster than matching a pattern, so the words are searched first.
type rule struct {
	phrase
	words []saying
	re    *regexp.Regexp // nil: no pattern
}

func compile(groups ...[]phrase) []rule {
	var rules []rule
	for _, p := range slices.Concat(groups...) {
		r := rule{phrase: p}
		for _, says := range p.says {
			r.words = append(r.words, sayingOf(says))
		}
		if p.pattern != "" {
			r.re = regexp.MustCompile(p.pattern)
		}
		rules = append(rules, r)
	}
	return rules
}

// find returns up to n places of a text where the rule matches.
func (r *rule) find(t words, n int) []problem {
	var some [4]*saying // on the stack: hardly ever more
	present := some[:0]
	for i := range r.words {
		if t.grams.mayHave(&r.words[i]) {
			present = append(present, &r.words[i])
		}
	}
	if len(present) == 0 {
		return nil
	}
	text := t.lower
	if r.re == nil {
		at := next(text, 0, present)
		if at < 0 {
			return nil
		}
		return []problem{{code: r.code, at: at, args: r.arguments(nil)}}
	}
	var found []problem
	for from, tries := 0, 0; len(found) < n && tries < mostTries; tries++ {
		at := next(text, from, present)
		if at < 0 {
			break
		}
		start, end := max(from, at-before), min(len(text), at+after)
		m := r.re.FindStringSubmatchIndex(text[start:end])
		if m == nil {
			from = at + 1
			continue
		}
		groups := make([]string, len(m)/2)
		for i := range groups {
			if m[2*i] >= 0 {
				groups[i] = text[start+m[2*i] : start+m[2*i+1]]
			}
		}
		found = append(found, problem{code: r.code, at: start + m[0], args: r.arguments(groups)})
		from = max(at+1, start+m[1])
	}
	return found
}

// Distances around the words, in bytes, within which the pattern is matched:
// before them an address, a page of a long name and a token; after them a
// hundred names.
const (
	before = 512
	after  = 2048
)

// mostTries bounds the work on a text that repeats the words many times.
const mostTries = 64

// next is the offset of the next occurrence of one of the sayings; -1: none.
func next(text string, from int, sayings []*saying) int {
	next := -1
	for _, s := range sayings {
		if i := strings.Index(text[from:], s.text); i >= 0 && (next < 0 || from+i < next) {
			next = from + i
		}
	}
	return next
}

// arguments are the rule's own and those that its pattern captured. Malformed
// values are left out.
func (r *rule) arguments(groups []string) checks.Args {
	args := checks.Args{}
	for name, v := range r.args {
		args[name] = v
	}
	for i, value := range groups {
		name := r.re.SubexpNames()[i]
		if name == "" || value == "" {
			continue
		}
		switch name {
		case "count", "more", "status", "wait":
			if n, err := strconv.Atoi(value); err == nil {
				args[name] = n
			}
		case "name", "record", "host":
			if value = hostname(value); value != "" {
				args[name] = value
			}
		case "names":
			listed := strings.Split(value, ",")
			if value = hostname(listed[0]); value != "" {
				args["name"] = value
			}
			if len(listed) > 1 {
				args["more"] = len(listed) - 1
			}
		case "address":
			if value = address(value); value != "" {
				args[name] = value
			}
		case "window":
			args[name] = window(value)
		case "type":
			args[name] = strings.ToUpper(value)
		default:
			args[name] = value
		}
	}
	return args
}
