package reports

import (
	"cmp"
	"slices"
	"time"

	"domovoy/checks"
)

// SiteState is the state of a site at a snapshot: its root cause, and the facts
// that reports need.
type SiteState struct {
	Site, Owner string
	Code        checks.Code
	Severity    checks.Severity
	Who         checks.Who // who must act; empty: stored before that was known, the code's default
	Blind       bool       // the cause could not be told because a check could not look; never stored
	Since       time.Time  // beginning of the cause; zero: not known
	Exact       bool       // false: the cause was there when we first looked, so it is at least as old as Since
	Expires     time.Time  // end of its certificate; zero: not known or none
	Free        time.Time  // when the registry releases the name; zero: not known
	To          string     // whose addresses the name has instead of ours; may be empty
}

// inTrouble reports whether the state counts as a problem; one that could not be
// told does not.
func (s SiteState) inTrouble() bool { return s.Severity >= checks.Warning && !s.Blind }

// Acts is who must take the next step.
func (s SiteState) Acts() checks.Who { return cmp.Or(s.Who, s.Code.Who()) }

// Outage is a period over which a site was in trouble with the same cause, owner
// and facts. It begins and ends at snapshots; outages of a site may follow each
// other without a gap.
type Outage struct {
	ID     int64 // the journal's; zero until stored
	Server string
	SiteState
	Trouble time.Time // since when the site has been in trouble, for any cause
	From    time.Time
	Until   time.Time // zero: ongoing
	End     OutageEnd // empty: ongoing
}

// OutageEnd is why an outage ended.
type OutageEnd string

// Reasons why an outage ended. After EndCause, EndOwner and EndFacts another
// outage of the site begins at the same snapshot.
const (
	EndFixed OutageEnd = "fixed"
	EndLeft  OutageEnd = "left" // the site is no longer on the panel
	EndCause OutageEnd = "cause"
	EndOwner OutageEnd = "owner"
	EndFacts OutageEnd = "facts" // the cause is the same, and more is known of it
)

// BlindSite is a site that could not be judged at a snapshot.
type BlindSite struct {
	Server, Site, Owner string
	At                  time.Time // of the snapshot
}

// BlindSites are those of a snapshot's states.
func BlindSites(at time.Time, server string, states []SiteState) []BlindSite {
	var blind []BlindSite
	for _, x := range states {
		if x.Blind {
			blind = append(blind, BlindSite{Server: server, Site: x.Site, Owner: x.Owner, At: at})
		}
	}
	return blind
}

// covers reports whether the outage was ongoing at the last snapshot at or
// before a moment.
func (s Outage) covers(at time.Time) bool {
	return !s.From.After(at) && (s.Until.IsZero() || s.Until.After(at))
}

// Tally is the counts of one server's snapshot.
type Tally struct {
	Server  string
	At      time.Time
	Sites   int    // on the panel
	Unknown int    // sites whose state is not known
	Unread  bool   // the panel could not be read, and nothing was counted
	Undated int    // domains of which it is not known when their registration ends
	Rules   string // version of the rules that judged
}

// Diff compares the states of a server's sites with its ongoing outages, and
// returns those that begin (without an ID) and those that end. A site whose
// state is not known keeps its outage: not checked is not fixed.
func Diff(at time.Time, server string, open []Outage, states []SiteState) []Outage {
	known := make(map[string]Outage, len(open))
	for _, s := range open {
		known[s.Site] = s
	}
	var diff []Outage
	end := func(s Outage, how OutageEnd) {
		s.Until, s.End = at, how
		diff = append(diff, s)
	}
	for _, now := range states {
		was, had := known[now.Site]
		delete(known, now.Site)
		if now.Blind {
			if had && was.Owner != now.Owner { // the customer changed, and nothing else is known
				end(was, EndOwner)
				diff = append(diff, begin(at, server, was.with(now.Owner), was))
			}
			continue
		}
		switch {
		case !had && now.inTrouble():
			diff = append(diff, begin(at, server, now, Outage{}))
		case had && !now.inTrouble():
			end(was, EndFixed)
		case had && was.Code != now.Code:
			end(was, EndCause)
			diff = append(diff, begin(at, server, now, was))
		case had && was.Owner != now.Owner:
			end(was, EndOwner)
			diff = append(diff, begin(at, server, now.or(was.SiteState), was))
		case had && was.changed(now):
			end(was, EndFacts)
			diff = append(diff, begin(at, server, now.or(was.SiteState), was))
		}
	}
	for _, s := range open { // not the map: the order must be the same every time
		if _, gone := known[s.Site]; gone {
			end(s, EndLeft)
		}
	}
	return diff
}

// begin is a new outage. It follows another of the same site, or none (the zero
// Outage).
func begin(at time.Time, server string, s SiteState, after Outage) Outage {
	fresh := Outage{Server: server, SiteState: s, Trouble: at, From: at}
	switch {
	case !after.Trouble.IsZero():
		fresh.Trouble = after.Trouble
	case !s.Since.IsZero() && s.Since.Before(at):
		fresh.Trouble = s.Since
	}
	return fresh
}

// sameWithin is how far apart two dates may be that count as equal.
const sameWithin = time.Hour

// changed reports whether the facts known now would change a report: the
// certificate was replaced, the day of release moved, the cause began at another
// time, or another has to act. What is not known now
// changes nothing. Nor does the network a name points to, once one is known:
// DNS may answer differently every day.
func (s SiteState) changed(now SiteState) bool {
	other := func(was, is time.Time) bool { return !is.IsZero() && is.Sub(was).Abs() > sameWithin }
	return s.Severity != now.Severity || other(s.Expires, now.Expires) || other(s.Free, now.Free) || s.To == "" && now.To != "" ||
		other(s.Since, now.Since) || s.Exact != now.Exact && !now.Since.IsZero() || now.Who != "" && s.Who != now.Who
}

// or is the state, completed with what only an earlier one knows.
func (s SiteState) or(was SiteState) SiteState {
	if s.Expires.IsZero() {
		s.Expires = was.Expires
	}
	if s.Free.IsZero() {
		s.Free = was.Free
	}
	if s.Since.IsZero() {
		s.Since, s.Exact = was.Since, was.Exact
	}
	s.To, s.Who = cmp.Or(s.To, was.To), cmp.Or(s.Who, was.Who)
	return s
}

// with is the outage's state under another owner.
func (s Outage) with(owner string) SiteState {
	now := s.SiteState
	now.Owner = owner
	return now
}

// SiteStates are the present states of all sites of the panel.
func (s Server) SiteStates() []SiteState {
	states, down := make([]SiteState, 0, len(s.Subjects)), s.Down()
	for j := range s.Judged() {
		row, who := j.row(), j.Cause.Who()
		if down && waitsForCA(j.Cause.Code) {
			who = checks.CA
		}
		row.fits("elsewhere", j.Cause.Finding.Args)
		states = append(states, SiteState{
			Site: row.Domain, Owner: row.Owner, Code: row.Code, Severity: row.Severity, Who: who, Blind: j.Blind(),
			Since: row.Since, Exact: row.Exact, Expires: s.expires(j.Subject), Free: row.Free, To: row.To,
		})
	}
	return states
}

// expires is the end of the certificate that visitors get, else of its file;
// zero: neither is known.
func (s Server) expires(x checks.Subject) time.Time {
	if served := s.Probes[x.Site.Name].Served; served.Known() {
		return served.NotAfter
	}
	if x.File != nil && !x.File.SelfSigned {
		return x.File.NotAfter
	}
	return time.Time{}
}

// Tally counts the states of a server's snapshot.
func (s Server) Tally(at time.Time, rules string, states []SiteState) Tally {
	t := Tally{Server: s.Name, At: at, Rules: rules, Unread: s.Read.IsZero() || s.Trouble != "" || len(s.Lost) > 0}
	if t.Unread {
		return t
	}
	t.Sites, t.Undated = len(states), Undated(Coverage([]Server{s}))
	for _, x := range states {
		if x.Blind {
			t.Unknown++
		}
	}
	return t
}

// With is the history with one more snapshot of a server at its end; nothing is
// stored.
func (h History) With(t Tally, states []SiteState) History {
	h.Tallies = append(h.Tallies[:len(h.Tallies):len(h.Tallies)], t)
	if t.Unread {
		return h
	}
	others := slices.DeleteFunc(slices.Clone(h.Blind), func(x BlindSite) bool { return x.Server == t.Server })
	h.Blind = append(others, BlindSites(t.At, t.Server, states)...)
	var open []Outage
	outages := make([]Outage, 0, len(h.Outages))
	for _, s := range h.Outages {
		if s.Server == t.Server && s.Until.IsZero() {
			open = append(open, s)
			continue
		}
		outages = append(outages, s)
	}
	ended := map[int64]bool{}
	for _, s := range Diff(t.At, t.Server, open, states) {
		ended[s.ID] = true
		outages = append(outages, s)
	}
	for _, s := range open {
		if !ended[s.ID] {
			outages = append(outages, s)
		}
	}
	h.Outages = outages
	return h
}
