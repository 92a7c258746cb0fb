package reports

import (
	"cmp"
	"strings"
	"time"

	"domovoy/checks"
)

// Standing is where a site stood at a snapshot: its one root cause, and what
// of it a report needs.
type Standing struct {
	Site, Owner string
	Code        checks.Code
	Severity    checks.Severity
	Since       time.Time // since when it is known to be so; zero: only now
	Expires     time.Time // end of its certificate; zero: not known, or none
	Free        time.Time // when the name is anybody's, of an unregistered one; zero: not known
	To          string    // to whom the name points, of one that points elsewhere; may be empty
}

// troubled reports whether the site counts as not in order.
func (s Standing) troubled() bool { return s.Severity >= checks.Warning && s.Code != checks.Unknown }

// Spell is a time over which a site had one and the same cause and owner.
// It begins and ends at snapshots.
type Spell struct {
	ID     int64 // the journal's; zero until stored
	Server string
	Standing
	Trouble time.Time // since when the site has been in trouble, whatever the cause
	From    time.Time
	Until   time.Time // zero: it goes on
	End     SpellEnd  // empty: it goes on
}

// SpellEnd is how a spell ended.
type SpellEnd string

// The ends. After EndCause, EndOwner and EndFacts another spell of the site
// begins at the same snapshot.
const (
	EndFixed SpellEnd = "fixed"
	EndLeft  SpellEnd = "left" // the site is no longer on the panel
	EndCause SpellEnd = "cause"
	EndOwner SpellEnd = "owner"
	EndFacts SpellEnd = "facts" // the cause is the same, and more is known of it
)

// covers reports whether the spell holds at a moment: as of the last snapshot
// at or before it.
func (s Spell) covers(at time.Time) bool {
	return !s.From.After(at) && (s.Until.IsZero() || s.Until.After(at))
}

// Tally is what one snapshot counted on a server.
type Tally struct {
	Server  string
	At      time.Time
	Sites   int    // on the panel
	Unknown int    // of which it could not be told how they stand
	Unread  bool   // the panel could not be read: nothing was counted
	Rules   string // version of the rules that judged
}

// Turn compares how the sites of a server stand with the spells that go on,
// and gives those that begin (without an ID) or end. A site of which it could
// not be told how it stands keeps its spell: not looked at is not fixed.
func Turn(at time.Time, server string, open []Spell, standings []Standing) []Spell {
	known := make(map[string]Spell, len(open))
	for _, s := range open {
		known[s.Site] = s
	}
	var turned []Spell
	end := func(s Spell, how SpellEnd) {
		s.Until, s.End = at, how
		turned = append(turned, s)
	}
	for _, now := range standings {
		was, had := known[now.Site]
		delete(known, now.Site)
		if now.Code == checks.Unknown {
			if had && was.Owner != now.Owner { // the customer changed, and nothing else is known
				end(was, EndOwner)
				turned = append(turned, begin(at, server, was.with(now.Owner), was))
			}
			continue
		}
		switch {
		case !had && now.troubled():
			turned = append(turned, begin(at, server, now, Spell{}))
		case had && !now.troubled():
			end(was, EndFixed)
		case had && was.Code != now.Code:
			end(was, EndCause)
			turned = append(turned, begin(at, server, now, was))
		case had && was.Owner != now.Owner:
			end(was, EndOwner)
			turned = append(turned, begin(at, server, now.or(was.Standing), was))
		case had && was.outdated(now):
			end(was, EndFacts)
			turned = append(turned, begin(at, server, now.or(was.Standing), was))
		}
	}
	for _, s := range open { // not the map: the order must be the same every time
		if _, gone := known[s.Site]; gone {
			end(s, EndLeft)
		}
	}
	return turned
}

// begin is a spell that follows another of the same site, or none.
func begin(at time.Time, server string, s Standing, after Spell) Spell {
	fresh := Spell{Server: server, Standing: s, Trouble: at, From: at}
	switch {
	case !after.Trouble.IsZero():
		fresh.Trouble = after.Trouble
	case !s.Since.IsZero() && s.Since.Before(at):
		fresh.Trouble = s.Since
	}
	return fresh
}

// grain is how far apart two dates are that are not the same.
const grain = time.Hour

// outdated reports whether what is known now makes a report read otherwise: a
// certificate that was replaced, the day on which a name will be free. What
// is not known now changes nothing, nor does to whom a name points, of which
// DNS may give another answer every day.
func (s Standing) outdated(now Standing) bool {
	other := func(was, is time.Time) bool { return !is.IsZero() && is.Sub(was).Abs() > grain }
	return s.Severity != now.Severity || other(s.Expires, now.Expires) || other(s.Free, now.Free) || s.To == "" && now.To != ""
}

// or is the standing with what only an earlier one knows.
func (s Standing) or(was Standing) Standing {
	if s.Expires.IsZero() {
		s.Expires = was.Expires
	}
	if s.Free.IsZero() {
		s.Free = was.Free
	}
	s.To = cmp.Or(s.To, was.To)
	return s
}

// with is the spell's standing under another owner.
func (s Spell) with(owner string) Standing {
	now := s.Standing
	now.Owner = owner
	return now
}

// Standings are how every site of the panel stands now.
func (s Server) Standings() []Standing {
	standings := make([]Standing, 0, len(s.Subjects))
	bySite := s.BySite()
	for _, x := range s.Subjects {
		verdict := Site{Server: bySite(x.Site.Name), Subject: x}.Verdict()
		row := Row{Code: verdict.Code}
		row.fits("elsewhere", verdict.Finding.Args)
		standings = append(standings, Standing{
			Site: x.Site.Name, Owner: x.Site.Owner, Code: verdict.Code, Severity: verdict.Severity,
			Since: s.TroubleSince(x, verdict.Code), Expires: s.expires(x), Free: row.Free, To: row.To,
		})
	}
	return standings
}

// TroubleSince is when a site's trouble began: by the issuing log where it is the
// CA's word, else as we first saw it; zero: not known.
func (s Server) TroubleSince(x checks.Subject, code checks.Code) time.Time {
	own := code == checks.CAUnreachable // we saw it, of the server
	if h := x.History; h != nil && !h.Since.IsZero() && strings.HasPrefix(string(code), "ca.") && !own {
		return h.Since
	}
	return s.Opened[sinceKey{x.Site.Name, code}]
}

// expires is the end of the certificate that visitors get, or else of its
// file; zero: neither is known.
func (s Server) expires(x checks.Subject) time.Time {
	if served := s.Looks[x.Site.Name].Served; served.Known() {
		return served.NotAfter
	}
	if x.File != nil && !x.File.SelfSigned {
		return x.File.NotAfter
	}
	return time.Time{}
}

// Tally counts the standings of a server's snapshot. A panel that could not
// be read is Unread.
func (s Server) Tally(at time.Time, rules string, standings []Standing) Tally {
	t := Tally{Server: s.Name, At: at, Rules: rules, Unread: s.Read.IsZero() || s.Trouble != ""}
	if t.Unread {
		return t
	}
	t.Sites = len(standings)
	for _, x := range standings {
		if x.Code == checks.Unknown {
			t.Unknown++
		}
	}
	return t
}

// With is the history with another snapshot of one server at its end, which
// is not stored.
func (h History) With(t Tally, standings []Standing) History {
	h.Tallies = append(h.Tallies[:len(h.Tallies):len(h.Tallies)], t)
	if t.Unread {
		return h
	}
	var open []Spell
	spells := make([]Spell, 0, len(h.Spells))
	for _, s := range h.Spells {
		if s.Server == t.Server && s.Until.IsZero() {
			open = append(open, s)
			continue
		}
		spells = append(spells, s)
	}
	ended := map[int64]bool{}
	for _, s := range Turn(t.At, t.Server, open, standings) {
		ended[s.ID] = true
		spells = append(spells, s)
	}
	for _, s := range open {
		if !ended[s.ID] {
			spells = append(spells, s)
		}
	}
	h.Spells = spells
	return h
}
