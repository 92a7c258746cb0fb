package quorum

import (
	"slices"
	"strings"

	"domovoy/checks"
)

// SplitCheck is the name of the check that finds a vantage point that disagrees
// with all others, in findings: one about a server, with the code FleetSplit.
const SplitCheck = "split"

// Limits from which a vantage point is the finding itself.
const (
	oddShare = 10 // it disagrees about more than one name in so many
	oddLeast = 20 // names of a round: fewer say nothing about it
)

// Round compares the vantage points over the names of one round. It is not safe
// for concurrent use.
type Round struct {
	names map[checks.Vantage]int // on which it could be compared, or which are fine as it saw them
	alone map[checks.Vantage]int // of these, with a result that no other had
}

// Add counts the sights of one name.
func (r *Round) Add(sights []checks.Sight) {
	r.begin()
	var well, badly []checks.Vantage
	for _, s := range sights {
		switch {
		case s.Blind != checks.SightGood || s.Code == checks.Unknown:
		case s.Code == checks.OK:
			well = append(well, s.From)
		default:
			badly = append(badly, s.From)
		}
	}
	if len(well)+len(badly) < 2 {
		return
	}
	for _, v := range slices.Concat(well, badly) {
		r.names[v]++
	}
	switch {
	case len(badly) == 1: // of two, that one: a fault of its own explains a failure, and never an answer
		r.alone[badly[0]]++
	case len(well) == 1 && len(badly) > 1:
		r.alone[well[0]]++
	}
}

// Fine counts a name that one place was enough for.
func (r *Round) Fine(from checks.Vantage) {
	r.begin()
	r.names[from]++
}

func (r *Round) begin() {
	if r.names == nil {
		r.names, r.alone = map[checks.Vantage]int{}, map[checks.Vantage]int{}
	}
}

// Compared reports whether there were enough names to say so, at two places at least.
func (r *Round) Compared() bool {
	places := 0
	for _, names := range r.names {
		if names >= oddLeast {
			places++
		}
	}
	return places > 1
}

// Odd is a vantage point that disagrees with all others about too many names:
// what it saw in this round does not count.
type Odd struct {
	From         checks.Vantage
	Names, Alone int // compared, and of these those about which it disagrees
}

// Odd returns them by name; nil: none. If all were, none is: then it is not
// theirs.
func (r *Round) Odd() []Odd {
	var odd []Odd
	for v, alone := range r.alone {
		if names := r.names[v]; names >= oddLeast && alone*oddShare > names {
			odd = append(odd, Odd{v, names, alone})
		}
	}
	if len(odd) == len(r.names) {
		return nil
	}
	slices.SortFunc(odd, func(a, b Odd) int { return strings.Compare(a.From.Name, b.From.Name) })
	return odd
}

// Finding says that a vantage point disagrees with all others, as a finding about
// a server whose name is the vantage point's. Its arguments: "place", where it
// is; "value", about how many names; "names", how many were compared; "share", in
// percent.
func (o Odd) Finding(server string) checks.Finding {
	return checks.Finding{Check: SplitCheck, Server: server, Name: o.From.Name, Code: checks.FleetSplit, Severity: checks.FleetSplit.Severity(),
		Args: checks.Args{"place": o.From.String(), "value": o.Alone, "names": o.Names, "share": 100 * o.Alone / o.Names}}
}

// Without takes the looks of odd vantage points out of a site's.
func Without(looks []Look, odd []Odd) []Look {
	kept := slices.Clone(looks)
	for i := range kept {
		if slices.ContainsFunc(odd, func(o Odd) bool { return o.From == kept[i].From }) {
			kept[i].Blind = checks.BlindSplit
		}
	}
	return kept
}
