package registry

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// RFC 3912 says nothing of what a WHOIS answer looks like. Those that are read
// here consist of lines "key: value": those of TCI (.ru, .рф, .su), of the generic
// domains, and of the registries of .by, .de, .eu, .io, .kz and .ua. They differ in
// the keys, and in the words for a domain that nobody has registered.

// endings are the beginnings of a line that stands after everything else in an
// answer, in lower case: without one the answer may be cut.
func endings() []string {
	return []string{
		"last updated on ",           // TCI
		">>> last update of whois",   // generic domains
		"% >>> last update of whois", // .uz
		"% query time:",              // .ua
		"current registar:",          // .kz
		"service provided by ",       // .by
		"please visit www.eurid.eu",  // .eu
	}
}

// complete reports whether an answer has its last line.
func complete(text []byte) bool {
	return slices.ContainsFunc(endings(), func(end string) bool { return says(bytes.ToLower(text), end) })
}

// says reports whether a line of a text begins with a phrase, in lower case.
func says(text []byte, phrase string) bool {
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte(phrase)) {
			return true
		}
	}
	return false
}

// refusals are words of a registry that has had too many questions.
func refusals() []string {
	return []string{"exceeded allowed connection rate", "limit exceeded", "limit reached", "too many requests", "too many queries",
		"quota exceeded", "still in grace period", "blocked"}
}

// bans are words of a registry that answers nothing any more, for an hour or for
// good.
func bans() []string {
	return []string{"you are not allowed to connect", "has been banned", "access denied", "has been blocked"}
}

// refused returns the refusal in a text that has no record; nil: it is none.
func refused(text []byte) error {
	low := bytes.ToLower(text)
	contains := func(phrase string) bool { return bytes.Contains(low, []byte(phrase)) }
	switch {
	case slices.ContainsFunc(bans(), contains):
		return ErrBanned
	case slices.ContainsFunc(refusals(), contains):
		return ErrQuota
	}
	return nil
}

// freeWords returns the beginnings of a line that says that nobody has registered
// a domain, in lower case. own: it names the domain, so that it is no part of
// another answer; else the answer must have its last line.
func freeWords(domain string) (own, others []string) {
	return []string{
			"% no entries found for " + domain, // .ua
			`% object "` + domain + `" not found`,
			"domain " + domain + " is available",
		}, []string{
			"no entries found",                                                      // TCI
			`no match for "` + domain + `"`, `no match for domain "` + domain + `"`, // Verisign
			"domain not found", "the queried object does not exist", "no data found", "not found",
		}
}

// alone are answers that consist of nothing else: .by, .kz.
func alone() []string {
	return []string{"object does not exist", "*** nothing found for this query."}
}

// isFree reports whether a text that has no record says that the domain is free,
// and fails if the text may be cut, or is a web page.
func isFree(text []byte, domain string) (bool, error) {
	low := bytes.ToLower(text)
	said := func(phrase string) bool { return says(low, phrase) }
	own, others := freeWords(domain)
	only := slices.Contains(alone(), withoutGreeting(low))
	switch named := slices.ContainsFunc(own, said); {
	case !named && !only && !slices.ContainsFunc(others, said):
		return false, nil
	case markup(low), !named && !only && !complete(text), (named || only) && !bytes.HasSuffix(text, []byte("\n")):
		return false, fmt.Errorf("%w: it is cut after the words that the domain is free, or no answer of a WHOIS server", ErrUnclear)
	}
	return true, nil
}

// withoutGreeting is a text without the sentences with which .kz begins every
// answer.
func withoutGreeting(low []byte) string {
	text := strings.TrimSpace(string(low))
	if greeting, rest, ok := strings.Cut(text, "\n\n"); ok && strings.HasPrefix(greeting, "whois server for the kz") {
		return strings.TrimSpace(rest)
	}
	return text
}

// markup reports whether a text has tags; a line of a WHOIS server may be between
// arrows.
func markup(low []byte) bool {
	rest := bytes.ReplaceAll(bytes.ReplaceAll(low, []byte(">>>"), nil), []byte("<<<"), nil)
	return bytes.ContainsAny(rest, "<>")
}

// record has the values of an answer by their keys, in lower case, in their order.
type record map[string][]string

// first returns the first value that one of the keys has, by the order of the
// keys.
func (r record) first(keys ...string) string {
	for _, key := range keys {
		for _, value := range r[key] {
			if value != "" {
				return value
			}
		}
	}
	return ""
}

// readRecord reads the lines of a text. A key may end in dots, a value may go on in
// indented lines, and comments begin with a percent sign. What comes after the
// domain's own part is of contacts, whose keys are the same: it ends at a comment
// or a section in brackets.
func readRecord(text []byte) record {
	r := record{}
	last, open := "", false // the key above, and whether its value is in the lines below
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n\t ")
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "%") || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "[") {
			if r["domain"] != nil {
				break
			}
			continue
		}
		key, value, ok := strings.Cut(trimmed, ":")
		if indented := line != trimmed; indented && last != "" && trimmed != "" && (!ok || open) {
			r[last] = append(r[last], strings.TrimSpace(strings.TrimPrefix(trimmed, "Name:")))
			continue
		}
		last, open = "", false
		if ok {
			last, value = strings.ToLower(strings.TrimRight(key, ". ")), strings.TrimSpace(value)
			r[last] = append(r[last], value)
			open = value == "" && (last == "name servers" || last == "registrar")
		}
	}
	return r
}

// parseWhois reads an answer about a domain. An unclear answer returns ErrUnclear;
// a refusal because of too many questions returns ErrQuota and is never mistaken
// for an answer.
func parseWhois(text []byte, domain string, z zone) (Registration, error) {
	answer := Registration{Domain: domain}
	r := readRecord(text)
	name := strings.ToLower(strings.TrimSuffix(r.first("domain", "domain name"), "."))
	if name == "" {
		free, err := isFree(text, domain)
		if free {
			answer.State = Free
			return answer, nil
		}
		if err := errors.Join(refused(text), err); err != nil {
			return answer, err
		}
	}
	if name != domain && name+".eu" != domain {
		return answer, fmt.Errorf("%w: it speaks of %.80q", ErrUnclear, name)
	}
	if markup(bytes.ToLower(text)) && !complete(text) {
		return answer, fmt.Errorf("%w: a web page in place of an answer", ErrUnclear)
	}
	fill(&answer, r)
	return whole(answer, text, r, z)
}
