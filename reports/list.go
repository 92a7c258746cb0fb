package reports

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"domovoy/checks"
)

// Lists are the kinds of lists there are.
func Lists() []string {
	return []string{"failed", "processing", "overdue", "nocertificate", "noredirect", "elsewhere", "free", "unknown", "paused", "zombie"}
}

// FromOutside reports whether a kind of list rests on looks from outside:
// without any, its emptiness would say nothing.
func FromOutside(kind string) bool {
	return kind == "elsewhere" || kind == "free" || kind == "unknown"
}

// Row is a line of a list: a site, or a certificate that belongs to none.
type Row struct {
	Domain string // A-label form; the certificate's name where there is no domain, "#12" of row 12 where there is neither
	Owner  string
	Server string
	Code   checks.Code // the verdict of the last look from outside, else of the last issuing error
	Since  time.Time   // zero: not known

	// Of lists that rest on looks from outside; each may be zero.
	Name  string    // the alias that the verdict is about; empty: it is the domain
	To    string    // whose addresses the name has instead of ours
	Free  time.Time // when the registry gives the name away; zero: it is free now
	Blind []string  // the checks that could not look
}

// Filter narrows a list; empty fields let everything through. Owner and
// Server are globs; Cause is a code, or the part before its dot.
type Filter struct {
	Owner, Server, Cause string
}

// keeps reports whether a row passes.
func (f Filter) keeps(r Row) bool {
	return glob(f.Owner, r.Owner) && glob(f.Server, r.Server) &&
		(f.Cause == "" || f.Cause == string(r.Code) || strings.HasPrefix(string(r.Code), f.Cause+"."))
}

func glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// List gathers the rows of one kind over the servers, in order of name; names
// that are free or will be, the soonest first.
func List(kind string, servers []Server, f Filter) []Row {
	var rows []Row
	for _, s := range servers {
		for _, r := range s.List(kind) {
			if f.keeps(r) {
				rows = append(rows, r)
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(a.Free.Compare(b.Free), strings.Compare(a.Domain, b.Domain))
	})
	return rows
}

// PlainCell keeps a spreadsheet from taking foreign text for a formula (OWASP,
// CSV injection).
func PlainCell(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}

// List gathers the rows of one kind; as many as the count of that name, where
// there is one.
func (s Server) List(kind string) []Row {
	switch kind {
	case "failed":
		return s.certificates(func(c checks.Certificate) bool { return c.Failed == checks.On })
	case "processing":
		return s.certificates(func(c checks.Certificate) bool { return c.Processing == checks.On })
	case "overdue":
		return append(s.found(checks.CertOverdue), s.nameless()...)
	case "nocertificate":
		return s.found(checks.PanelNoCertificate)
	case "noredirect":
		return s.found(checks.PanelNoRedirect)
	case "paused":
		return append(s.found(checks.CAPaused), s.found(checks.CAPausing)...)
	case "zombie":
		return s.found(checks.CAZombie)
	}
	return s.seen(kind)
}

// certificates gives a row for each of the panel's certificates that match.
func (s Server) certificates(match func(checks.Certificate) bool) []Row {
	sites := map[int64]checks.Subject{}
	for _, x := range s.Subjects {
		for _, c := range []*checks.Certificate{x.Certificate, x.Order} {
			if c != nil {
				sites[c.ID] = x
			}
		}
	}
	said := s.reasons()
	var rows []Row
	for _, c := range s.Snapshot.Certificates {
		if !match(c) {
			continue
		}
		row := Row{Domain: c.Domain, Owner: c.Owner, Server: s.Name, Since: c.Started}
		if c.Failed == checks.On {
			row.Code = checks.Unknown // it failed, and nobody says why
		}
		row.Domain = cmp.Or(row.Domain, c.Name, unnamed(c))
		if x, ok := sites[c.ID]; ok {
			row.Domain, row.Owner = x.Site.Name, x.Site.Owner
			if code, ok := said[x.Site.Name]; ok {
				row.Code = code
			}
			if h := x.History; h != nil && c.Failed == checks.On && !h.Since.IsZero() {
				row.Since = h.Since
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// found gives a row for each site with that finding.
func (s Server) found(code checks.Code) []Row {
	owners := map[string]string{}
	for _, x := range s.Subjects {
		owners[x.Site.Name] = x.Site.Owner
	}
	said := s.reasons()
	var rows []Row
	for _, f := range s.Outcome.Findings {
		if f.Code != code {
			continue
		}
		row := Row{Domain: f.Site, Owner: owners[f.Site], Server: s.Name, Code: code, Since: s.Opened[sinceKey{f.Site, code}]}
		if said, ok := said[f.Site]; ok && (code == checks.CertOverdue || code == checks.CAZombie) {
			row.Code = said
		}
		if since, ok := f.Args["since"].(time.Time); ok && row.Since.IsZero() {
			row.Since = since
		}
		rows = append(rows, row)
	}
	return rows
}

// nameless gives the panel's certificates that are overdue by their row alone
// and tell neither name nor domain: the count has them, and so must the list.
func (s Server) nameless() []Row {
	var rows []Row
	for _, c := range s.Nameless {
		rows = append(rows, Row{Domain: unnamed(c), Owner: c.Owner, Server: s.Name, Code: checks.CertOverdue})
	}
	return rows
}

// unnamed is what stands for a certificate without any name: the number of
// its row.
func unnamed(c checks.Certificate) string { return "#" + strconv.FormatInt(c.ID, 10) }

// reasons give why sites fail: the verdict of the last look from outside where
// it tells, else the code of the last issuing error.
func (s Server) reasons() map[string]checks.Code {
	said := map[string]checks.Code{}
	for _, f := range s.Outcome.Findings {
		if strings.HasPrefix(string(f.Code), "ca.") && !Foretold(f.Code) {
			said[f.Site] = f.Code
		}
	}
	if len(s.Looks) == 0 {
		return said
	}
	bySite := s.BySite()
	for _, x := range s.Subjects {
		name := x.Site.Name
		if _, looked := s.Looks[name]; !looked {
			continue
		}
		part := bySite(name)
		if v := checks.Judge(part.Findings(name), part.Failures(name)); v.Code != checks.OK && v.Code != checks.Unknown {
			said[name] = v.Code
		}
	}
	return said
}

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

// Foretold reports whether a code says what will become of an account or of a
// name, and not why it fails.
func Foretold(code checks.Code) bool {
	return code == checks.CABudget || code == checks.CAPausing || code == checks.CAZombie
}
