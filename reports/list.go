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

// FromOutside reports whether a kind of list rests on checks from outside. If
// there were none, an empty list means nothing.
func FromOutside(kind string) bool {
	return kind == "elsewhere" || kind == "free" || kind == "unknown"
}

// Row is a row of a list: a site, or a certificate that belongs to no site.
type Row struct {
	Domain string // A-label form; without a domain the certificate's name; without both "#12", its row's number
	Owner  string
	Server string
	Code   checks.Code // root cause
	Since  time.Time   // zero: not known

	// Of lists that rest on checks from outside; each may be zero.
	Name  string    // the alias that the verdict is about; empty: it is the domain
	To    string    // network or addresses that the name has instead of ours
	Free  time.Time // when the registry releases the name; zero: it is free now
	Blind []string  // the checks that could not look
}

// Filter narrows a list; an empty field matches everything. Owner and Server are
// patterns of path.Match; Cause is a code, or the part before its dot.
type Filter struct {
	Owner, Server, Cause string
}

// keeps reports whether a row matches.
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

// List gathers the rows of one kind over the servers, sorted by the day the
// registry releases the name, then by name.
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

// PlainCell quotes text that a spreadsheet would take for a formula (OWASP, CSV
// injection).
func PlainCell(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}

// List gives the rows of one kind: as many as the count of the same name, if
// there is one.
func (s Server) List(kind string) []Row {
	switch kind {
	case "failed":
		return s.listCertificates(func(c checks.Certificate) bool { return c.Failed == checks.On })
	case "processing":
		return s.listCertificates(func(c checks.Certificate) bool { return c.Processing == checks.On })
	case "overdue":
		return append(s.listFinding(checks.CertOverdue), s.listNameless()...)
	case "nocertificate":
		return s.listFinding(checks.PanelNoCertificate)
	case "noredirect":
		return s.listFinding(checks.PanelNoRedirect)
	case "paused":
		return append(s.listFinding(checks.CAPaused), s.listFinding(checks.CAPausing)...)
	case "zombie":
		return s.listFinding(checks.CAZombie)
	}
	return s.listFromOutside(kind)
}

// listCertificates gives a row for each of the panel's certificates that match.
func (s Server) listCertificates(match func(checks.Certificate) bool) []Row {
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
			row.Code = checks.Unknown // it failed for an unknown reason
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

// listFinding gives a row for each site with that finding.
func (s Server) listFinding(code checks.Code) []Row {
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

// listNameless gives a row for each overdue certificate that has neither a name
// nor a domain: the count includes them, so the list must too.
func (s Server) listNameless() []Row {
	var rows []Row
	for _, c := range s.Nameless {
		rows = append(rows, Row{Domain: unnamed(c), Owner: c.Owner, Server: s.Name, Code: checks.CertOverdue})
	}
	return rows
}

// unnamed stands for a certificate without a name: its row's number.
func unnamed(c checks.Certificate) string { return "#" + strconv.FormatInt(c.ID, 10) }

// reasons are why sites fail: the verdict, if there was a check from outside, else
// the code of the last issuing error.
func (s Server) reasons() map[string]checks.Code {
	said := map[string]checks.Code{}
	for _, f := range s.Outcome.Findings {
		if strings.HasPrefix(string(f.Code), "ca.") && !Foretold(f.Code) {
			said[f.Site] = f.Code
		}
	}
	if len(s.Probes) == 0 {
		return said
	}
	bySite := s.BySite()
	for _, x := range s.Subjects {
		name := x.Site.Name
		if _, looked := s.Probes[name]; !looked {
			continue
		}
		if v := (Site{Server: bySite(name), Subject: x}).Verdict(); v.Code != checks.OK && v.Code != checks.Unknown {
			said[name] = v.Code
		}
	}
	return said
}

// listFromOutside gives a row for each site whose verdict belongs on a list that
// rests on checks from outside.
func (s Server) listFromOutside(kind string) []Row {
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

// fits reports whether the verdict belongs on the list, and sets Free and To from
// the finding's arguments.
func (r *Row) fits(kind string, args checks.Args) bool {
	r.Free, _ = args["free_date"].(time.Time)
	switch {
	case kind == "unknown":
		return r.Code == checks.Unknown
	case kind == "free" && r.Code == checks.DNSUndelegated:
		return !r.Free.IsZero() // without that day it may not become free
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

// blind are the checks that could not look at the site, without duplicates.
func (s Site) blind() []string {
	var names []string
	for _, f := range s.Server.Failures(s.Subject.Site.Name) {
		if !slices.Contains(names, f.Check) {
			names = append(names, f.Check)
		}
	}
	return names
}

// LookCoverage says how many sites that are switched on were never checked from
// outside, and when the oldest check of the others was; zero: there was none.
func (s Server) LookCoverage() (unseen int, oldest time.Time) {
	for _, x := range s.Subjects {
		switch look := s.Probes[x.Site.Name]; {
		case x.Site.Active == checks.Off:
		case look.At.IsZero():
			unseen++
		case oldest.IsZero() || look.At.Before(oldest):
			oldest = look.At
		}
	}
	return unseen, oldest
}

// Foretold reports whether a code predicts a problem of an account or a name, and
// is not a cause of failure.
func Foretold(code checks.Code) bool {
	return code == checks.CABudget || code == checks.CAPausing || code == checks.CAZombie
}
