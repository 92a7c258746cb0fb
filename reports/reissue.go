package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// ReissueServer says which of a server's sites would get a new certificate.
type ReissueServer struct {
	Server  string
	Pass    []checks.Site
	Causes  map[checks.Code]int // numbers of those that would not, by root cause
	Unknown int                 // number of sites without a verdict
	Unseen  int                 // number of those in Pass that were never checked from outside
	Oldest  time.Time           // oldest check from outside of those in Pass; zero: none
	Price   checks.Price
	Down    bool // the CA itself fails: nothing is issued now
}

// Reissuable sorts a server's sites by whether they would get a certificate today,
// by their verdicts. Sites that are off or have no TLS are left out.
func Reissuable(s Server, f Filter) ReissueServer {
	out := ReissueServer{Server: s.Name, Causes: map[checks.Code]int{}, Down: s.Down()}
	bySite := s.BySite()
	for _, x := range s.Subjects {
		name := x.Site.Name
		if x.Site.Active == checks.Off || x.Site.Secure == checks.Off {
			continue
		}
		v := Site{Server: bySite(name), Subject: x}.Verdict()
		if !f.keeps(Row{Owner: x.Site.Owner, Server: s.Name, Node: x.Site.Node, Code: v.Code}) {
			continue
		}
		switch {
		case v.Code == checks.Unknown:
			out.Unknown++
		case prevents(v.Code):
			out.Causes[v.Code]++
		default:
			out.Pass = append(out.Pass, *x.Site)
			at := s.Probes[name].At
			if at.IsZero() {
				out.Unseen++
			} else if out.Oldest.IsZero() || at.Before(out.Oldest) {
				out.Oldest = at
			}
		}
	}
	slices.SortFunc(out.Pass, func(a, b checks.Site) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// prevents reports whether a root cause keeps the CA from issuing. A problem of
// the present certificate does not: a re-issue solves it. Nor does a temporary
// error of the CA.
func prevents(code checks.Code) bool {
	if code == checks.CAFlaky || code == checks.CAInternal {
		return false
	}
	family, _, _ := strings.Cut(string(code), ".")
	return family == "dns" || family == "web" || family == "ca"
}
