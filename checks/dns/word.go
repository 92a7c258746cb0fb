package dns

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	mdns "github.com/miekg/dns"
)

// word is what one server has to say for a zone.
type word int8

const (
	wordUnlooked word = iota // could not be asked from here
	wordGood                 // answers with authority
	wordReferral             // names the servers of a zone further down
	wordFailing              // SERVFAIL: knows the zone, but cannot load it
	wordRefused
	wordUnaware // answers without authority
	wordSilent
	wordClosed
	wordAddressless // the server's name leads nowhere that can be asked
)

// judge reads what came of asking a server directly.
func judge(a Answer, err error) word {
	switch {
	case errors.Is(err, ErrTimeout):
		return wordSilent
	case errors.Is(err, syscall.ECONNREFUSED):
		return wordClosed
	case errors.Is(err, ErrMalformed):
		return wordUnaware
	case err != nil:
		return wordUnlooked
	case a.Rcode == mdns.RcodeServerFailure:
		return wordFailing
	case a.Rcode != mdns.RcodeSuccess && a.Rcode != mdns.RcodeNameError:
		return wordRefused
	case a.Authoritative:
		return wordGood
	}
	return wordUnaware
}

// String lists the servers with what each said: "ns1.example: REFUSED".
func (d delegation) String() string {
	words := make([]string, 0, len(d.servers))
	for _, s := range d.servers {
		n := hostname(s.name)
		if n == "" {
			n = "?"
		}
		words = append(words, n+": "+s.String())
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// String is for evidence, in the words of the protocols.
func (s delegate) String() string {
	switch s.word {
	case wordFailing, wordRefused:
		return rcode(s.said.Rcode)
	case wordSilent:
		return "timeout"
	case wordClosed:
		return "connection refused"
	case wordAddressless:
		return "no address"
	case wordUnaware:
		return "not authoritative"
	case wordUnlooked:
		return "not asked"
	}
	return "answers"
}
