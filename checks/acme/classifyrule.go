package acme

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"domovoy/checks"
)

// phrase is a rule as it is written down. Everything is in lower case.
type phrase struct {
	code    checks.Code
	says    []string    // one of these must stand in the text
	pattern string      // must match too; its named groups become arguments; empty: the words suffice
	args    checks.Args // that the phrase itself tells
}

// rule is a phrase made ready. A search for plain words is a hundred times
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

// find gives up to n places of a text where the rule applies.
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

// How far around the words the pattern is tried, in bytes: an address, a page
// of a long name and a token before them, a hundred names behind.
const (
	before = 512
	after  = 2048
)

// mostTries bounds the work on a text that repeats the words a thousand times.
const mostTries = 64

// next is where one of the words stands next; -1: nowhere.
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
