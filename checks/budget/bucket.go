package budget

import "time"

// gauge is one limit with the buckets of those that spent of it.
type gauge struct {
	Limit
	buckets map[string]bucket
	vague   map[string]instant // the last charge that may have been another name's
	summed  map[string]bool    // begun with a sum, see Before
}

func (l gauge) spend(subject string, now time.Time) {
	l.buckets[subject] = l.buckets[subject].spend(l.Limit, now)
}

// instant is in nanoseconds since 1970: a third of a time.Time, where there
// are tens of thousands.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixNano()) }
func (i instant) time() time.Time   { return time.Unix(0, int64(i)).UTC() }

// bucket is when a bucket will be full again; in the past: it is. This is the
// generic cell rate algorithm, and all there is to know of a token bucket.
type bucket instant

func fullAt(t time.Time) bucket { return bucket(instantOf(t)) }

func (b bucket) full() time.Time { return instant(b).time() }

// spend takes a token. A bucket that we hold for empty and that gave one all
// the same was not quite empty at the CA; it stays empty here.
func (b bucket) spend(l Limit, now time.Time) bucket {
	full := later(b.full(), now).Add(time.Duration(l.Refill))
	return fullAt(earlier(full, now.Add(l.Span())))
}

// emptyUntil is a bucket whose next token comes then, by the CA's own word.
func (b bucket) emptyUntil(l Limit, until time.Time) bucket {
	return fullAt(later(b.full(), until.Add(l.Span()-time.Duration(l.Refill))))
}

// gap is how long until the bucket is full.
func (b bucket) gap(now time.Time) time.Duration { return max(0, b.full().Sub(now)) }

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
