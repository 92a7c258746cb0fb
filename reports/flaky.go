package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// What failures that passed by themselves are counted by.
const (
	ByHour   = "hour" // of the day, in the reader's zone
	ByServer = "server"
	ByCause  = "cause"
)

// Passing is a certificate that was issued shortly after it had failed.
type Passing struct {
	Server string
	At     time.Time   // of the first failure, in the reader's zone
	Code   checks.Code // of the last failure's text
}

// Tried is how many attempts to issue there were on a server within some minutes.
type Tried struct {
	Server         string
	At             time.Time // in the reader's zone
	Issued, Failed int
}

// Flaky counts the passings of some time.
type Flaky struct {
	By       string
	Total    int
	Attempts int       // all of that time
	Since    time.Time // from which the attempts are known; zero: there are none
	Bars     []FlakyBar
}

// FlakyBar is one bar of their chart: of an hour, a server or a cause.
type FlakyBar struct {
	Hour     int
	Server   string
	Code     checks.Code
	Rest     int // several servers or causes in one bar, the smallest; 0: it is of one
	N        int
	Attempts int // all of the hour or the server; 0 for a cause
}

// ByChance is how many passings a bar would have if they were spread as all attempts
// are; 0 for a cause, of which that cannot be said.
func (f *Flaky) ByChance(b FlakyBar) float64 {
	if f.Attempts == 0 {
		return 0
	}
	return float64(f.Total) * float64(b.Attempts) / float64(f.Attempts)
}

// Most is the largest bar, the first of several, but not that of the rest.
func (f *Flaky) Most() FlakyBar {
	return slices.MaxFunc(f.Bars, func(a, b FlakyBar) int {
		return cmp.Or(cmp.Compare(b.Rest, a.Rest), cmp.Compare(a.N, b.N))
	})
}

// mostBars is how many servers or causes have bars of their own.
const mostBars = 9

// CountFlaky counts passings and all attempts of the same time. The bars are the 24
// hours, or servers and causes from the most frequent to one bar with the rest.
func CountFlaky(by string, passed []Passing, tried []Tried) *Flaky {
	f := &Flaky{By: by, Total: len(passed)}
	for _, t := range tried {
		f.Attempts += t.Issued + t.Failed
	}
	if by == ByHour {
		f.Bars = make([]FlakyBar, 24)
		for h := range f.Bars {
			f.Bars[h].Hour = h
		}
		for _, p := range passed {
			f.Bars[p.At.Hour()].N++
		}
		for _, t := range tried {
			f.Bars[t.At.Hour()].Attempts += t.Issued + t.Failed
		}
		return f
	}
	groups := map[FlakyBar]*FlakyBar{}
	group := func(b FlakyBar) *FlakyBar {
		if groups[b] == nil {
			groups[b] = &FlakyBar{Server: b.Server, Code: b.Code}
		}
		return groups[b]
	}
	for _, p := range passed {
		if by == ByServer {
			group(FlakyBar{Server: p.Server}).N++
		} else {
			group(FlakyBar{Code: p.Code}).N++
		}
	}
	for _, t := range tried {
		if by == ByServer {
			group(FlakyBar{Server: t.Server}).Attempts += t.Issued + t.Failed
		}
	}
	for _, b := range groups {
		f.Bars = append(f.Bars, *b)
	}
	slices.SortFunc(f.Bars, func(a, b FlakyBar) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Server, b.Server), strings.Compare(string(a.Code), string(b.Code)))
	})
	if len(f.Bars) > mostBars+1 {
		rest := FlakyBar{Rest: len(f.Bars) - mostBars}
		for _, b := range f.Bars[mostBars:] {
			rest.N, rest.Attempts = rest.N+b.N, rest.Attempts+b.Attempts
		}
		f.Bars = append(f.Bars[:mostBars], rest)
	}
	return f
}
