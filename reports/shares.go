package reports

import (
	"cmp"
	"maps"
	"slices"

	"domovoy/checks"
)

// TopCauses is how many causes a digest shows one by one.
const TopCauses = 6

// Share is how many sites have one of some causes.
type Share struct {
	Codes []checks.Code // at least one
	N     int
}

// Shares are how many sites have each of the most frequent causes; the rest, if it is
// more than one cause, is one share of several, the last.
func Shares(counts map[checks.Code]int, most int) []Share {
	codes := slices.SortedFunc(maps.Keys(counts), func(a, b checks.Code) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var all []Share
	for i, code := range codes {
		if i > most {
			last := &all[most]
			last.Codes, last.N = append(last.Codes, code), last.N+counts[code]
			continue
		}
		all = append(all, Share{Codes: []checks.Code{code}, N: counts[code]})
	}
	return all
}

// Causes counts the sites in trouble by their root causes.
func (s Server) Causes() map[checks.Code]int {
	causes := map[checks.Code]int{}
	for j := range s.Judged() {
		if j.InTrouble() {
			causes[j.Cause.Code]++
		}
	}
	return causes
}
