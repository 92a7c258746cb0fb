package budget

import "time"

// bucket is when a bucket will be full again; in the past: it is. This is the
// generic cell rate algorithm, and all there is to know of a token bucket.
type bucket time.Time

// spend takes a token. A bucket that we hold for empty and that gave one all
// the same was not quite empty at the CA; it stays empty here.
func (b bucket) spend(l Limit, now time.Time) bucket {
	full := later(time.Time(b), now).Add(time.Duration(l.Refill))
	return bucket(earlier(full, now.Add(l.Span())))
}

// emptyUntil is a bucket whose next token comes then, by the CA's own word.
func (b bucket) emptyUntil(l Limit, until time.Time) bucket {
	return bucket(later(time.Time(b), until.Add(l.Span()-time.Duration(l.Refill))))
}

// gap is how long until the bucket is full.
func (b bucket) gap(now time.Time) time.Duration { return max(0, time.Time(b).Sub(now)) }

// left is how many whole tokens there are.
func (b bucket) left(l Limit, now time.Time) int {
	return max(0, int((l.Span()-b.gap(now))/time.Duration(l.Refill)))
}

// next is when there will be one token more; zero: the bucket is full.
func (b bucket) next(l Limit, now time.Time) time.Time {
	gap := b.gap(now)
	if gap == 0 {
		return time.Time{}
	}
	missing := l.Size - b.left(l, now) // at least one
	return now.Add(gap - time.Duration(missing-1)*time.Duration(l.Refill))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
