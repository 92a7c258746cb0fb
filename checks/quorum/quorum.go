// Package quorum makes one verdict of what several vantage points saw, as a CA
// does that looks from several networks (CA/Browser Forum Baseline Requirements
// section 3.2.2.9). It does no I/O.
//
// Only those count that could look in this round. One of them: what it saw. All
// see a name well: it is fine. More of them fail than the CA's table lets miss:
// the CA would fail, too, so what they saw is the cause. Else some get through
// and some do not: web.blocked, or web.flapping if others failed the last time.
// Nobody could look: that is neither fine nor broken.
package quorum

import (
	"cmp"
	"slices"

	"domovoy/checks"
)

// Check is the row of the comparison in the list of checks. It has no Run: it
// works on what the others found from several places.
func Check() checks.Check {
	return checks.Check{Name: checks.VantageCheck, Scope: checks.ScopeName, Live: true, Codes: []checks.Code{checks.WebBlocked, checks.WebFlapping}}
}

// Rule is how many of so many looks may fail: a CA's own table, see
// budget.Book.MayMiss.
type Rule func(looks int) (misses int)

// Parts is who reached a name and who did not, by their places as in
// checks.Vantage.String. The zero value: all saw the same.
type Parts struct{ Reached, Missed []string }

// moved reports whether the line between those that reach a name and those that
// do not runs elsewhere than before: some reach it now who did not, and others
// the other way around.
func (p Parts) moved(before Parts) bool {
	return overlap(p.Reached, before.Missed) && overlap(p.Missed, before.Reached)
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// Verdict is what the vantage points' looks at a name amount to.
type Verdict struct {
	Code checks.Code // OK, Unknown, WebBlocked, WebFlapping, or the code of most that failed
	Parts
	Absent []string // those that could not look
}

// Looks is how many could look.
func (v Verdict) Looks() int { return len(v.Reached) + len(v.Missed) }

// Judge makes one verdict of the sights of a name; before are the parts of the
// round before.
func (r Rule) Judge(sights []checks.Sight, before Parts) Verdict {
	var v Verdict
	votes := map[checks.Code]int{}
	for _, s := range sights {
		switch place := s.From.String(); {
		case s.Blind != checks.SightGood || s.Code == checks.Unknown:
			v.Absent = append(v.Absent, place)
		case s.Code == checks.OK:
			v.Reached = append(v.Reached, place)
		default:
			v.Missed = append(v.Missed, place)
			votes[s.Code]++
		}
	}
	switch looks := v.Looks(); {
	case looks == 0:
		v.Code = checks.Unknown
	case len(v.Missed) == 0:
		v.Code = checks.OK
	case looks == 1, len(v.Missed) > r(looks), len(votes) == 1 && votes[checks.WebFlapping] > 0:
		v.Code = most(votes)
	case v.moved(before):
		v.Code = checks.WebFlapping
	default:
		v.Code = checks.WebBlocked
	}
	return v
}

// most is the code with most votes; of several, the one that comes first in the
// order of checks.Codes.
func most(votes map[checks.Code]int) (code checks.Code) {
	for _, c := range checks.Codes() {
		if votes[c] > votes[code] {
			code = c
		}
	}
	return cmp.Or(code, checks.Unknown)
}
