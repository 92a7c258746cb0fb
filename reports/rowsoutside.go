package reports

import (
	"time"

	"domovoy/checks"
)

// seen gives a row for each site whose verdict puts it on a list that rests
// on looks from outside.
func (s Server) seen(kind string) []Row {
	if !FromOutside(kind) {
		return nil
	}
	bySite := s.BySite()
	var rows []Row
	for _, x := range s.Subjects {
		site := Site{Server: bySite(x.Site.Name), Subject: x}
		verdict := site.Verdict()
		row := Row{Domain: x.Site.Name, Owner: x.Site.Owner, Server: s.Name, Code: verdict.Code,
			Since: s.Opened[sinceKey{x.Site.Name, verdict.Code}], Name: verdict.Finding.Name}
		if row.fits(kind, verdict.Finding.Args) {
			if verdict.Code == checks.Unknown {
				row.Blind = site.blind()
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// fits reports whether the verdict belongs on the list, and takes from its
// arguments what the list tells besides.
func (r *Row) fits(kind string, args checks.Args) bool {
	r.Free, _ = args["free_date"].(time.Time)
	switch {
	case kind == "unknown":
		return r.Code == checks.Unknown
	case kind == "free" && r.Code == checks.DNSUndelegated:
		return !r.Free.IsZero() // without the day nobody knows that it will be
	case kind == "free":
		return r.Code == checks.DNSUnregistered
	}
	for _, name := range []string{"network", "others", "addresses"} {
		if to, ok := args[name].(string); ok && r.To == "" {
			r.To = to
		}
	}
	return r.Code == checks.DNSElsewhere || r.Code == checks.DNSPartly
}

// blind are the checks that could not look at the site, each once.
func (s Site) blind() []string {
	var names []string
	told := map[string]bool{}
	for _, f := range s.Server.Failures(s.Subject.Site.Name) {
		if !told[f.Check] {
			names = append(names, f.Check)
		}
		told[f.Check] = true
	}
	return names
}

// Sights tells how far the looks from outside at the sites go: how many of
// those that are switched on nobody looked at yet, and how old the oldest look
// at one of the others is. Zero: there is no look at all.
func (s Server) Sights() (unseen int, oldest time.Time) {
	for _, x := range s.Subjects {
		switch look := s.Looks[x.Site.Name]; {
		case x.Site.Active == checks.Off:
		case look.At.IsZero():
			unseen++
		case oldest.IsZero() || look.At.Before(oldest):
			oldest = look.At
		}
	}
	return unseen, oldest
}
