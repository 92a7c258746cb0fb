package web

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// How many of the CA's validators requested a file: the argument "pattern" of
// web.blocked.
const (
	fetchedPrimary = "primary" // one: the others are blocked on the way
	fetchedHalf    = "half"    // about half of the requests reached a dead backend
	fetchedSome    = "some"    // more than one, but fewer than the CA needs
	fetchedAll     = "all"     // enough for the CA
	fetchedFailed  = "failed"  // the first request was refused, so the CA sent no others
)

// shown is how many sources a finding lists.
const shown = 20

// fetches are the requests for one file.
type fetches struct {
	Token   string
	Sources []netip.Addr // distinct, in order of their first request
	Served  int          // requests answered with 200
	Broken  int          // requests answered with 5xx
	Refused int          // requests answered with 4xx
}

// gather groups visits by file, in order of the first request.
func gather(visits []Visit) []fetches {
	byToken := map[string]*fetches{}
	var order []string
	for _, v := range visits {
		c := byToken[v.Token]
		if c == nil {
			c = &fetches{Token: v.Token}
			byToken[v.Token] = c
			order = append(order, v.Token)
		}
		if !slices.Contains(c.Sources, v.Source) {
			c.Sources = append(c.Sources, v.Source)
		}
		switch {
		case v.Status == 200:
			c.Served++
		case v.Status >= 500:
			c.Broken++
		case v.Status >= 400:
			c.Refused++
		}
	}
	all := make([]fetches, len(order))
	for i, token := range order {
		all[i] = *byToken[token]
	}
	return all
}

// validatorsOnly leaves out the requests of ourselves: from our addresses, from
// private ones, which are fronts and balancers in our network, and those that
// do not have the CA's agent where others for the same file do.
func validatorsOnly(visits []Visit, own []netip.Addr) []Visit {
	signed := map[string]bool{}
	for _, v := range visits {
		signed[v.Token] = signed[v.Token] || v.FromCA
	}
	return slices.DeleteFunc(slices.Clone(visits), func(v Visit) bool {
		a := v.Source
		return slices.Contains(own, a) || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || signed[v.Token] && !v.FromCA
	})
}

// pattern says how many of the CA's validators fetched the file. Only a file
// that was served proves that validators were kept away: the CA starts its
// remote validators after its primary one succeeded. A validator fetches a file
// once, so a source that fetched it more often stands for several.
func (c fetches) pattern(validators int) string {
	switch came := max(len(c.Sources), c.Served); {
	case c.Broken > 0 && c.Served > 0:
		return fetchedHalf
	case c.Served == 0 || c.Refused > 0 || c.Broken > 0:
		return fetchedFailed
	case came >= needed(validators):
		return fetchedAll
	case came == 1:
		return fetchedPrimary
	case len(c.Sources) == 1:
		return fetchedFailed // a front of ours, or a second attempt: this proves nothing
	}
	return fetchedSome
}

// needed is how many of the CA's validators, with the primary one, must succeed:
// of its remote ones, none may fail if there is one, one of two to five, two of
// more (Baseline Requirements section 3.2.2.9).
func needed(validators int) int {
	switch remote := validators - 1; {
	case remote < 2:
		return validators
	case remote < 6:
		return validators - 1
	}
	return validators - 2
}

// secondary begins the CA's text about its remote validators.
const secondary = "during secondary validation"

// noConnection are the CA's words for a connection that did not come about.
var noConnection = [...]string{
	"timeout during connect", "timeout after connect", "timeout during read", "connection refused", "connection reset",
	"network unreachable", "no route to host", "error getting validation data",
}

// lookupWords are the CA's words for a failure in DNS.
var lookupWords = [...]string{"dns problem", "looking up ", "caa record", "processing caa"}

// remoteConnection reports whether the CA says that one of its remote
// validators could not connect.
func remoteConnection(text string) bool { return remotely(text, noConnection[:], lookupWords[:]) }

// remoteDNS reports whether the CA says that its remote validators failed in
// DNS, and so sent no request.
func remoteDNS(text string) bool {
	return remotely(text, lookupWords[:], noConnection[:]) && !remoteConnection(text)
}

// remotely reports whether one of these words follows in a problem of a remote
// validator, before any of the others.
func remotely(text string, these, others []string) bool {
	for _, problem := range strings.Split(strings.ToLower(text), secondary)[1:] {
		if at := firstOf(problem, these); at >= 0 {
			if other := firstOf(problem, others); other < 0 || at < other {
				return true
			}
		}
	}
	return false
}

// firstOf returns the offset of the first of the words; -1: none.
func firstOf(text string, words []string) int {
	first := -1
	for _, w := range words {
		if at := strings.Index(text, w); at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	return first
}

// tokenIn finds a challenge's file in a text of the CA. A token has at least 22
// characters (RFC 8555 section 8.1); a shorter one was cut.
var tokenIn = regexp.MustCompile(challengePath + `([A-Za-z0-9_-]{22,256})`)

// failedToken returns the token that a remote validator could not fetch; nil:
// the text does not name it.
func failedToken(text string) []string {
	if at := strings.Index(strings.ToLower(text), secondary); at >= 0 && at < len(text) {
		if m := tokenIn.FindStringSubmatch(text[at:]); m != nil {
			return []string{m[1]}
		}
	}
	return nil
}
