package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// ReissueServer is one server's part of it.
type ReissueServer struct {
	Server  string
	Pass    []checks.Site
	Causes  map[checks.Code]int // of those that would fail
	Unknown int                 // sites of which it could not be told
	Unseen  int                 // of those that would pass, the ones nobody looked at from outside
	Oldest  time.Time           // the oldest look that this rests on; zero: none
	Price   checks.Price
}

// HasServer reports whether a server passes.
func (f Filter) HasServer(name string) bool { return glob(f.Server, name) }

// Reissuable parts a server's sites by whether they would get a certificate
// today, by the verdict of the last look. Sites that are off or have no TLS
// are none that one would re-issue.
func Reissuable(s Server, f Filter) ReissueServer {
	out := ReissueServer{Server: s.Name, Causes: map[checks.Code]int{}}
	bySite := s.BySite()
	for _, x := range s.Subjects {
		name, part := x.Site.Name, bySite(x.Site.Name)
		if x.Site.Active == checks.Off || x.Site.Secure == checks.Off {
			continue
		}
		v := checks.Judge(part.Findings(name), part.Failures(name))
		if !f.keeps(Row{Owner: x.Site.Owner, Server: s.Name, Code: v.Code}) {
			continue
		}
		switch {
		case v.Code == checks.Unknown:
			out.Unknown++
		case prevents(v.Code):
			out.Causes[v.Code]++
		default:
			out.Pass = append(out.Pass, *x.Site)
			at := s.Looks[name].At
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

// prevents reports whether a root cause keeps the CA from issuing: the name,
// the way in, the account, the CA's own words. What is wrong with the
// certificate in place is what a re-issue is for, and what the CA does wrong
// once it does right the next time.
func prevents(code checks.Code) bool {
	if code == checks.CAFlaky || code == checks.CAInternal {
		return false
	}
	family, _, _ := strings.Cut(string(code), ".")
	return family == "dns" || family == "web" || family == "ca"
}
