package web

import (
	"bytes"
	"context"
	"net/http"

	"domovoy/checks"
)

// foreign finds that a proxy leads to another server than ours, where the
// 404 that came through it is not the one that our own server gives for the
// same request. With a file in place that is not needed: then a 404 is one.
func (l *look) foreign(ctx context.Context) (checks.Finding, bool) {
	if !l.proxied || l.challenge.want != "" || !l.ca.passed() || len(l.ca.tries) == 0 {
		return checks.Finding{}, false
	}
	seen := l.ca.tries[len(l.ca.tries)-1]
	if seen.last().Status != http.StatusNotFound {
		return checks.Finding{}, false
	}
	own, ok := l.ownAnswer(ctx)
	if !ok || bytes.Equal(l.page(own), l.page(seen)) {
		return checks.Finding{}, false
	}
	f := l.finding(checks.WebNotFound, l.ca, seen, seen.last())
	f.Args["pattern"], f.Args["rule"] = patternAll, ruleForeign
	return f, true
}

// ownAsked is how many of our addresses are tried for a comparison.
const ownAsked = 2

// ownAnswer asks our own server for the same file, at the first of our
// addresses that answers 404 too.
func (l *look) ownAnswer(ctx context.Context) (attempt, bool) {
	own := l.prober.opts.Own
	for _, a := range own[:min(len(own), ownAsked)] {
		r := route{first: a}
		if a.Is4() {
			r.family = onlyV4
		}
		answer := l.prober.walk(ctx, l.host, l.challenge, r, signs{dialing: func() {}, connected: func() {}})
		if answer.passed() && answer.last().Status == http.StatusNotFound {
			return answer, true
		}
	}
	return attempt{}, false
}

// page is an answer's text without what changes from request to request.
func (l *look) page(a attempt) []byte {
	return bytes.TrimSpace(bytes.ReplaceAll(a.body, []byte(l.challenge.token), nil))
}
