package registry

import (
	"slices"
	"time"
)

// queue has the questions to one server, by which its limit is kept exactly: in no
// time of the limit's length are there more than it allows. It is not safe for
// concurrent use.
type queue struct {
	asked    []time.Time   // the last ones, the oldest first
	shut     time.Time     // no question before this time
	patience time.Duration // the next backoff
}

// margin is added to the limit's time, because the registry counts when a question
// arrives, and this host when it is sent.
const margin = time.Second

// Share of a limit that the rolling look leaves to people and sweeps, in parts of
// the limit.
const reserved = 5

// wait is how long the next question has to wait. The rolling look spreads its
// questions evenly, and leaves a part of the limit to others.
func (q *queue) wait(l Limit, rolling bool, now time.Time) time.Duration {
	n, per := l.N, l.Per+margin
	if rolling {
		n = max(1, n-(n+reserved-1)/reserved)
	}
	var wait time.Duration
	if len(q.asked) >= n {
		wait = q.asked[len(q.asked)-n].Add(per).Sub(now)
	}
	if rolling && len(q.asked) > 0 {
		wait = max(wait, q.asked[len(q.asked)-1].Add(per/time.Duration(n)).Sub(now))
	}
	return max(0, wait)
}

// take notes a question, and forgets those that no limit counts any more.
func (q *queue) take(l Limit, now time.Time) {
	if past := len(q.asked) - l.N; past > 0 {
		q.asked = slices.Delete(q.asked, 0, past)
	}
	q.asked = append(q.asked, now)
}
