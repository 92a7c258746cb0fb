package reports

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
)

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
