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

// Classifier turns texts of an issuing log into codes. It is safe for
// concurrent use. Compiling takes a while: make one and keep it.
type Classifier struct {
	// account are the CA's answers about the account, its limits and its
	// policy, and what keeps us from the CA: the first rule of them wins, for
	// with such an answer nothing else was tried.
	account []rule
	// verdicts are what the CA's validators saw: of several, the first in the
	// text wins, and one of the CA itself over one of its remote validators.
	verdicts []rule
	// rest are less specific texts, down to the mere type of the problem: the first
	// rule wins. Public logs show the same phrase under several types, but a
	// phrase never under two meanings, so types come last.
	rest []rule
}

// NewClassifier compiles the rules. The phrases are those of Boulder (problem
// texts of wfe2, ra, va, bdns and ratelimits, old and new), of certbot, acme.sh,
// nginx and OpenSSL.
func NewClassifier() *Classifier {
	return &Classifier{
		account:  compile(accountRules(), limitRules(), policyRules(), wayRules()),
		verdicts: compile(fileRules(), recordRules(), connectionRules(), nameRules()),
		rest:     compile(internalRules(), clientRules(), vagueRules(), typeRules()),
	}
}

// Classify returns the code of an error text with its arguments, or "" for a
// text that matches no rule: an unknown text is shown as it is, never guessed.
// A failure of the CA's remote validators alone is CARemote, with the inner
// code as the argument "inner". The argument "unpause" is a secret: see
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
	if p.remote {
		args["inner"] = string(p.code)
		return checks.CARemote, args
	}
	return p.code, args
}

// problem is what a rule found in a text.
type problem struct {
	code   checks.Code
	at     int  // where in the text
	remote bool // only the CA's remote validators met it
	args   checks.Args
}

// first applies the rules in order.
func first(rules []rule, t words) (problem, bool) {
	for i := range rules {
		if found := rules[i].find(t.lower, 1); len(found) > 0 {
			return found[0], true
		}
	}
	return problem{}, false
}

// mostProblems of one kind are looked at in a text: a certificate has up to a
// hundred names, and the first few are enough.
const mostProblems = 8

// earliest is the first problem in the text; of the CA's own validator, if it
// met any.
func earliest(rules []rule, t words) (best problem, ok bool) {
	for i := range rules {
		for _, p := range rules[i].find(t.lower, mostProblems) {
			p.remote = t.remote(p.at)
			if !ok || best.remote && !p.remote || best.remote == p.remote && p.at < best.at {
				best, ok = p, true
			}
		}
	}
	return best, ok
}

// arguments returns the arguments of a problem with those from the text around it.
func (t words) arguments(p problem) checks.Args {
	args := maps.Clone(p.args)
	if name := t.name(p); name != "" {
		args["name"] = name
		if of, ok := strings.CutPrefix(name, "_acme-challenge."); ok { // RFC 8555 section 8.4
			args["record"], args["name"], args["challenge"] = name, of, "dns-01"
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

// phrase is a rule as it is written down. Everything is in lower case.
type phrase struct {
	code    checks.Code
	says    []string    // the text must contain one of these
	pattern string      // must match too; its named groups become arguments; empty: no pattern
	args    checks.Args // that follow from the phrase itself
}

// rule is a compiled phrase. A search for plain words is a hundred times
// faster than one for a pattern, so that goes first.
type rule struct {
	phrase
	re *regexp.Regexp // nil: no pattern
}

func compile(groups ...[]phrase) []rule {
	var rules []rule
	for _, p := range slices.Concat(groups...) {
		r := rule{phrase: p}
		if p.pattern != "" {
			r.re = regexp.MustCompile(p.pattern)
		}
		rules = append(rules, r)
	}
	return rules
}

// find returns up to n problems that the rule finds in a text.
func (r *rule) find(text string, n int) []problem {
	if r.re == nil {
		at := r.next(text, 0)
		if at < 0 {
			return nil
		}
		return []problem{{code: r.code, at: at, args: r.arguments(nil)}}
	}
	var found []problem
	for from, tries := 0, 0; len(found) < n && tries < mostTries; tries++ {
		at := r.next(text, from)
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

// How far around the phrase the pattern is matched, in bytes: an address, a page
// of a long name and a token before them, a hundred names behind.
const (
	before = 512
	after  = 2048
)

// mostTries limits the work on a text that repeats the phrase a thousand times.
const mostTries = 64

// next is the position of the next occurrence of one of the phrases; -1: none.
func (r *rule) next(text string, from int) int {
	next := -1
	for _, s := range r.says {
		if i := strings.Index(text[from:], s); i >= 0 && (next < 0 || from+i < next) {
			next = from + i
		}
	}
	return next
}

// arguments are the rule's own, and those that its pattern found. What is not
// as it should be is left out.
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
		case "count", "more", "status":
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
