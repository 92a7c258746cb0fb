package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Names says which of the names of a site's certificate the CA would accept
// today. One that it does not accept fails the whole certificate.
type Names struct {
	Pass    []string   // the site's own first
	Dead    []DeadName // in the order of the site's aliases; the site's own first
	Unknown []string   // not looked at, or not seen, or wildcards, for which a record in the DNS decides: neither passing nor dead
}

// DeadName is a name that the CA does not accept, with the reason.
type DeadName struct {
	Name string // A-label form
	Code checks.Code
}

// Names sorts the names of a site's certificate by its last look from outside,
// and by the CA's policy.
func (s Site) Names() Names {
	var names Names
	site := s.Subject.Site
	look := s.Server.Probes[site.Name]
	found := s.Server.Findings(site.Name)
	for i, name := range site.Ordered() {
		v := nameVerdict(site, name, found, look.Failures)
		switch {
		case v.Code != checks.Unknown && prevents(v.Code):
			names.Dead = append(names.Dead, DeadName{name, v.Code})
		case v.Code == checks.Unknown || look.At.IsZero() || i >= checks.MostNames || strings.HasPrefix(name, "*.") || unseenWay(site, name, look.Failures):
			names.Unknown = append(names.Unknown, name)
		default:
			names.Pass = append(names.Pass, name)
		}
	}
	return names
}

// nameVerdict is the root cause of one name as seen from outside, or by the
// CA's policy. What keeps the CA from issuing is in the DNS and on the way to the
// challenge; other looks, such as at what is served, decide nothing.
func nameVerdict(site *checks.Site, name string, found []checks.Finding, failed []checks.Failure) checks.Verdict {
	alias := aliasOf(site, name)
	var own []checks.Finding
	for _, f := range found {
		family, _, _ := strings.Cut(string(f.Code), ".")
		if f.Name == alias && (f.Check == checks.PolicyCheck || family == "dns" || family == "web") {
			f.Name = ""
			own = append(own, f)
		}
	}
	var failures []checks.Failure
	for _, f := range failed {
		if f.Name == alias && ofOrder(f.Check) {
			failures = append(failures, f)
		}
	}
	return checks.Judge(own, failures)
}

// unseenWay reports whether the way to a name was not tried because of what was
// seen under another one.
func unseenWay(site *checks.Site, name string, failed []checks.Failure) bool {
	alias := aliasOf(site, name)
	return slices.ContainsFunc(failed, func(f checks.Failure) bool { return f.Name == alias && ofOrder(f.Check) })
}

// ofOrder reports whether a check looks as the CA does.
func ofOrder(check string) bool { return check == checks.NamesCheck || check == checks.WayCheck }

// aliasOf is a name as findings have it: empty for the site's own.
func aliasOf(site *checks.Site, name string) string {
	if name == site.Name {
		return ""
	}
	return name
}

// Droppable says which aliases of a site keep it from getting a certificate, if
// it would get one without them. unsure: there are such aliases, and of other
// names it is not known whether they pass.
func (s Site) Droppable() (names Names, ok, unsure bool) {
	x := s.Subject
	if x.Site.Active == checks.Off || len(x.Site.Aliases) == 0 || !orders(x) {
		return Names{}, false, false
	}
	names = s.Names()
	own := func(d DeadName) bool { return d.Name == x.Site.Name }
	if len(names.Dead) == 0 || slices.ContainsFunc(names.Dead, own) || s.barred(names) {
		return names, false, false
	}
	return names, len(names.Unknown) == 0, len(names.Unknown) > 0
}

// orders reports whether the panel orders certificates for the site.
func orders(x checks.Subject) bool {
	return x.Issues() && (x.Site.Secure != checks.Off || x.Certificate != nil || x.Order != nil || x.History != nil)
}

// barred reports whether the CA would refuse the site also without its dead
// names, by what it said last.
func (s Site) barred(names Names) bool {
	return slices.ContainsFunc(s.Server.Findings(s.Subject.Site.Name), func(f checks.Finding) bool {
		return f.Check != checks.PolicyCheck && bars(f) && !names.explain(f)
	})
}

// bars reports whether a finding is an answer of the CA, or about the way to it,
// that keeps it from issuing. A limit that is over does not.
func bars(f checks.Finding) bool {
	over, _ := f.Args["over"].(bool)
	return strings.HasPrefix(string(f.Code), "ca.") && prevents(f.Code) && !Foretold(f.Code) && !over && f.Severity > checks.Info
}

// explain reports whether the dead names are why the CA refused: it names one of
// them, or, of a validation, none that passes.
func (n Names) explain(f checks.Finding) bool {
	switch f.Code {
	case checks.CAUnauthorized, checks.CAConnection, checks.CADNS, checks.CACAA, checks.CATLS, checks.CARemote:
		return n.hasDead(f) || !n.hasPassing(f)
	}
	return n.hasDead(f)
}

func (n Names) hasDead(f checks.Finding) bool {
	return slices.ContainsFunc(n.Dead, func(d DeadName) bool { return mentions(f, d.Name) })
}

func (n Names) hasPassing(f checks.Finding) bool {
	return slices.ContainsFunc(slices.Concat(n.Pass, n.Unknown), func(name string) bool { return mentions(f, name) })
}

// mentions reports whether the CA's answer is about a name: where the answer has
// one, that one, else any in its text.
func mentions(f checks.Finding, name string) bool {
	if said, ok := f.Args["name"].(string); ok && said != "" {
		return strings.EqualFold(said, strings.TrimPrefix(name, "*."))
	}
	text := strings.ToLower(f.Detail)
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(name)
		if (from == 0 || !ofName(text[from-1])) && (to == len(text) || !ofName(text[to]) || text[to] == '.' && (to+1 == len(text) || !ofName(text[to+1]))) {
			return true
		}
		at = from + 1
	}
}

// ofName reports whether a byte may be one of a domain name.
func ofName(c byte) bool {
	return c == '-' || c == '.' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}

// Dropping is what removing the dead aliases of sites would do.
type Dropping struct {
	At     time.Time
	Rows   []Row           // sites that would get a certificate
	Others []Row           // sites of which that is not known: some of their other names could not be looked at
	Prices []ReissueServer // of the certificates of Rows, by server; a server without any is left out
}

// Unsure is how many sites have dead aliases and may pass without them or not.
func (d Dropping) Unsure() int { return len(d.Others) }

// DropOf gathers the droppable sites of some servers. price says what a server
// has to pay for certificates with these sets of names. Only the sites of owners
// for whom mine is true count.
func DropOf(servers []Server, f Filter, at time.Time, mine func(owner string) bool, price func(server string, sets [][]string) checks.Price) Dropping {
	others := func(r Row) bool { return !mine(r.Owner) }
	d := Dropping{At: at, Rows: slices.DeleteFunc(List(Droppable, servers, f), others)}
	sets := map[string][][]string{}
	for _, r := range d.Rows {
		sets[r.Server] = append(sets[r.Server], slices.Sorted(slices.Values(r.Names.Pass)))
	}
	for _, s := range servers {
		d.Others = append(d.Others, s.unsure()...)
		if len(sets[s.Name]) > 0 {
			_, oldest := s.LookCoverage()
			d.Prices = append(d.Prices, ReissueServer{Server: s.Name, Oldest: oldest, Price: price(s.Name, sets[s.Name]), Down: s.Down()})
		}
	}
	d.Others = slices.DeleteFunc(f.Of(d.Others), others)
	slices.SortStableFunc(d.Others, byHarm)
	return d
}

// unsure are the sites that have dead aliases and are on no list of droppable
// ones, because some of their other names could not be looked at.
func (s Server) unsure() []Row {
	var rows []Row
	for j := range s.Judged() {
		if names, _, unsure := j.Droppable(); unsure {
			row := j.row()
			row.Names = &names
			rows = append(rows, row)
		}
	}
	return rows
}
