package registry

import (
	"time"

	"domovoy/checks"
)

// How long a registration is not asked about again, by what is known of its end.
const (
	farPeriod     = 7 * 24 * time.Hour  // the end is further away than nearEnd
	nearPeriod    = 24 * time.Hour      // it is near, or past
	undatedPeriod = 30 * 24 * time.Hour // the registry does not publish it: nothing can be learned but that the domain is gone
	soonAfter     = time.Hour           // after the end: whether it was paid for
	latePeriod    = 7 * 24 * time.Hour  // the end is further in the past than lateEnd
	firstRetry    = time.Hour           // after a question without an answer, doubled up to lastRetry
	lastRetry     = 24 * time.Hour
)

// From when on an end is near, and until when what is past is asked about daily.
const (
	nearEnd = checks.EndingWithin
	lateEnd = 60 * 24 * time.Hour
)

// dueAfter is when a domain is asked about again after an answer.
func dueAfter(r checks.Registration) time.Time {
	now, ends := r.Looked, r.Ends()
	left := ends.Sub(now)
	switch {
	case r.Answer.State == checks.RegistryFree, r.Answer.Unpaid:
		return now.Add(nearPeriod)
	case ends.IsZero():
		return now.Add(undatedPeriod)
	case left > nearEnd: // the first look at a near end is on its first day
		return now.Add(max(nearPeriod, min(farPeriod, left-nearEnd)))
	case left > 0 && left < nearPeriod:
		return ends.Add(soonAfter)
	case left < -lateEnd:
		return now.Add(latePeriod)
	}
	return now.Add(nearPeriod)
}

// retryAfter is how long a domain is not asked about after so many questions in a
// row had no answer.
func retryAfter(failures int) time.Duration {
	wait := firstRetry
	for range failures - 1 {
		if wait *= 2; wait >= lastRetry {
			return lastRetry
		}
	}
	return wait
}
