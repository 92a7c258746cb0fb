package reports

import (
	"strings"
	"time"

	"domovoy/checks"
)

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
