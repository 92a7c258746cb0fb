package boulder

import "time"

// Limit is a token bucket: at most Burst tokens, of which Count come back in
// every Period. The zero Limit limits nothing.
type Limit struct {
	Count, Burst int
	Period       time.Duration
}

// interval is after how long the next token comes.
func (l Limit) interval() time.Duration { return l.Period / time.Duration(l.Count) }

// span is how long an empty bucket takes to fill.
func (l Limit) span() time.Duration { return l.interval() * time.Duration(l.Burst) }

// bucketKey names one bucket.
type bucketKey struct {
	limit   LimitName
	account int64  // 0: counted over all accounts
	subject string // a name, a registered domain, or a set of names; empty: the account itself
}

// verdict is what a bucket says of spending one token.
type verdict struct {
	allowed bool
	left    int           // before it is spent
	wait    time.Duration // until it would be allowed
	key     bucketKey
}

// buckets are the times at which each bucket will be full again. This is the
// generic cell rate algorithm: that time is all there is to know of a bucket,
// and one that is not there is full.
type buckets map[bucketKey]time.Time

// ask looks whether a bucket has a token, and takes none.
func (b buckets) ask(l Limit, key bucketKey, now time.Time) verdict {
	if l == (Limit{}) {
		return verdict{allowed: true, left: 1, key: key}
	}
	full := later(b[key], now)
	room := l.span() - full.Sub(now)
	v := verdict{left: int(room / l.interval()), key: key}
	v.wait = max(0, l.interval()-room)
	v.allowed = v.wait == 0
	return v
}

// take spends a token if there is one; an empty bucket stays as it is.
func (b buckets) take(l Limit, key bucketKey, now time.Time) bool {
	if l == (Limit{}) {
		return true
	}
	if !b.ask(l, key, now).allowed {
		return false
	}
	b[key] = later(b[key], now).Add(l.interval())
	return true
}

// giveBack undoes a take, never beyond a full bucket.
func (b buckets) giveBack(l Limit, key bucketKey, now time.Time) {
	if l == (Limit{}) || !b[key].After(now) {
		return
	}
	b[key] = later(b[key].Add(-l.interval()), now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
