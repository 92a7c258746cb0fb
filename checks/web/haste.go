package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"domovoy/checks"
)

// errLimited: the site refused every attempt because we ask too fast. The CA
// comes from other addresses, so this shows nothing of what it gets.
var errLimited = errors.New("the site limits how often one address may ask, and refused every request")

// rest waits between the attempts of a series, ten times as long if the site
// may limit how fast we ask. It returns false if the context ends.
func (p *Prober) rest(ctx context.Context, haste bool) bool {
	pause := p.spread
	if haste {
		pause *= 10
	}
	late := time.NewTimer(pause)
	defer late.Stop()
	select {
	case <-late.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// hasty reports whether an answer may be that of a limit of requests: 429, and
// 503, the default of nginx's limit_req.
func (a attempt) hasty() bool {
	status := a.last().Status
	return !a.passed() && (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable)
}

// compare makes sure that the last attempt of a series, which does not look like
// the CA's, differs from all others for that reason and not by chance. Then it
// no longer counts.
func (l *nameProbe) compare(ctx context.Context, s *series) {
	n := len(s.tries) - 1
	if n < 1 || n+1 < l.prober.opts.Attempts || s.err() != nil {
		return
	}
	likeCA, last := series{tries: s.tries[:n]}, s.tries[n]
	if likeCA.mixed() || likeCA.passed() == last.passed() || last.hasty() || likeCA.tries[n-1].hasty() {
		return
	}
	for _, stranger := range []bool{false, true} {
		r := s.route
		r.stranger = stranger
		if !l.prober.rest(ctx, false) {
			return
		}
		t := l.start(ctx, r)
		<-t.done
		s.tries = append(s.tries, t.attempt)
		if t.err != nil || t.passed() != (last.passed() == stranger) {
			return
		}
	}
	s.tries, s.stranger = s.tries[:n], &last
}

// forgive leaves out the attempts that failed only because we ask too fast.
func (s *series) forgive() {
	if s.err() != nil || len(s.tries) < 2 || s.passed() {
		return
	}
	var failed, passed []attempt
	refused, later := 0, 0 // later: passed after the last failure
	for _, a := range s.tries {
		switch {
		case a.passed():
			passed = append(passed, a)
			later++
		default:
			failed = append(failed, a)
			later = 0
			if a.last().Status == http.StatusTooManyRequests {
				refused++
			}
		}
	}
	switch {
	case refused == len(failed) && len(passed) == 0:
		s.said, s.limited = s.sequence(), &failed[0]
		s.tries = []attempt{{hops: failed[0].hops, err: errLimited}}
	case refused == len(failed), s.fadesOut(), len(failed) == 1 && failed[0].hasty() && later >= fewest:
		s.said, s.limited = s.sequence(), &failed[0]
		s.tries = passed
	}
}

// fadesOut reports whether a series begins well and then fails to its end, as
// when a limit or a ban against us begins; a dead backend does not wait for
// that.
func (s *series) fadesOut() bool {
	first := len(s.tries)
	for i, a := range s.tries {
		if !a.passed() {
			first = i
			break
		}
	}
	for _, a := range s.tries[first:] {
		if a.passed() {
			return false
		}
	}
	return first > 0 && len(s.tries)-first >= 2
}

// remarks are findings of severity Info about what the series showed beside the
// way: a limit of requests, a difference by User-Agent, a page for every path.
func (l *nameProbe) remarks(found []checks.Finding) []checks.Finding {
	for _, s := range append([]series{l.ca}, l.rest...) {
		var f checks.Finding
		switch {
		case s.limited != nil:
			f = l.finding(checks.WebForbidden, s, *s.limited, s.limited.last())
			f.Args["rule"], f.Args["sequence"] = ruleLimit, s.said
			f.Args[checks.WhoArg] = string(checks.Nobody)
		case s.stranger != nil && !s.stranger.passed():
			f = l.finding(checks.WebForbidden, s, *s.stranger, s.stranger.last())
			f.Args["agent"], f.Args["cause"] = agentOthers, string(s.stranger.fault.code)
			f.Args[checks.WhoArg] = string(checks.Nobody)
		case l.untried(s):
			last := s.tries[len(s.tries)-1]
			f = l.finding(checks.WebBody, s, last, last.last())
			f.Args["rule"] = ruleUntried
		default:
			continue
		}
		if !has(found, f.Code) {
			found = append(found, asInfo(f))
		}
	}
	return found
}

// Who gets another answer than the CA: the argument "agent".
const (
	agentCA     = "ca"     // what looks as the CA is refused, other agents are not
	agentOthers = "others" // the reverse
)

// untried reports whether the server answers with a page of its own, and no file
// was placed with which it could be told from the file.
func (l *nameProbe) untried(s series) bool {
	if l.challenge.want != "" || len(s.tries) == 0 || s.err() != nil || !s.passed() {
		return false
	}
	status := s.tries[len(s.tries)-1].last().Status
	return status >= 200 && status < 300
}
