package reports

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"domovoy/checks"
	"domovoy/i18n"
)

// Lists are the kinds of lists there are.
func Lists() []string {
	return []string{"failed", "processing", "overdue", "nocertificate", "noredirect"}
}

// Row is a line of a list: a site, or a certificate that belongs to none.
type Row struct {
	Domain string // A-label form; the certificate's name where there is no domain, "#12" of row 12 where there is neither
	Owner  string
	Server string
	Code   checks.Code // the verdict of the last look from outside, else of the last issuing error
	Since  time.Time   // zero: not known
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

// List gathers the rows of one kind over the servers, in order of name.
func List(kind string, servers []Server, f Filter) []Row {
	var rows []Row
	for _, s := range servers {
		for _, r := range s.List(kind) {
			if f.keeps(r) {
				rows = append(rows, r)
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return strings.Compare(a.Domain, b.Domain) })
	return rows
}

// List gathers the rows of one kind; as many as the count of that name.
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
	}
	return nil
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
		if said, ok := said[f.Site]; ok && code == checks.CertOverdue {
			row.Code = said
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
		if strings.HasPrefix(string(f.Code), "ca.") {
			said[f.Site] = f.Code
		}
	}
	if len(s.Looks) == 0 {
		return said
	}
	for name, part := range s.BySite() {
		if _, looked := s.Looks[name]; !looked {
			continue
		}
		if v := checks.Judge(part.Findings(name), part.Failures(name)); v.Code != checks.OK && v.Code != checks.Unknown {
			said[name] = v.Code
		}
	}
	return said
}

// PageSize is how many rows of a list a message shows.
const PageSize = 20

// Page is where a reader is in a list; pages count from 1.
type Page struct {
	Kind    string
	Command string // what was asked, without the page
	Number  int
	Unread  []string // servers that could not be listed
	Stale   []Server // servers that are listed as they were when last read
}

// List shows one page of a list, with buttons to the others.
func (w Writer) List(rows []Row, p Page) Message {
	pages := max(1, (len(rows)+PageSize-1)/PageSize)
	p.Number = min(max(1, p.Number), pages)
	m := w.message(Plain, w.Locale.Count("list."+p.Kind+".title", len(rows)))
	if len(p.Unread) > 0 {
		m.Sections = append(m.Sections, Section{Text: w.Locale.Say("list.unread.some", i18n.Args{"Servers": p.Unread})})
	}
	for _, s := range p.Stale {
		m.Sections = append(m.Sections, Section{Text: s.Name + ": " + w.trouble(s)})
	}
	if len(rows) == 0 {
		return m
	}
	from := (p.Number - 1) * PageSize
	section := Section{}
	for _, r := range rows[from:min(from+PageSize, len(rows))] {
		section.Items = append(section.Items, Item{Text: checks.Show(r.Domain), Note: w.rowNote(r)})
	}
	m.Sections = append(m.Sections, section)
	if pages == 1 {
		return m
	}
	m.Sections = append(m.Sections, Section{Text: w.Locale.Say("list.pages.where", i18n.Args{"Page": p.Number, "Pages": pages})})
	if p.Number > 1 {
		m.Actions = append(m.Actions, Action{Label: w.Locale.Say("action.previous"), Command: p.to(p.Number - 1)})
	}
	if p.Number < pages {
		m.Actions = append(m.Actions, Action{Label: w.Locale.Say("action.next"), Command: p.to(p.Number + 1)})
	}
	m.Actions = append(m.Actions, Action{Label: w.Locale.Say("action.file"), Command: p.Command + " file"})
	return m
}

func (p Page) to(number int) string { return p.Command + " page " + strconv.Itoa(number) }

// rowNote says why, whose and since when.
func (w Writer) rowNote(r Row) string {
	var parts []string
	if r.Code != "" {
		parts = append(parts, w.title(r.Code))
	}
	if r.Owner != "" {
		parts = append(parts, r.Owner)
	}
	if !r.Since.IsZero() {
		parts = append(parts, w.Locale.Say("when.since", i18n.Args{"Date": w.Locale.Date(r.Since, w.Now)}))
	}
	return strings.Join(parts, " · ")
}

// ListFile is a whole list as a file for a spreadsheet: UTF-8 with a mark and
// semicolons, as Excel wants it.
func (w Writer) ListFile(rows []Row, kind string) (Message, error) {
	var buf bytes.Buffer
	buf.WriteString("\uFEFF")
	out := csv.NewWriter(&buf)
	out.Comma = ';'
	head := []string{"domain", "unicode", "owner", "server", "code", "cause", "since"}
	for i, h := range head {
		head[i] = w.Locale.Say("list.column." + h)
	}
	records := [][]string{head}
	for _, r := range rows {
		since := ""
		if !r.Since.IsZero() {
			since = w.Locale.Stamp(r.Since)
		}
		records = append(records, []string{cell(r.Domain), cell(checks.ToUnicode(r.Domain)), cell(r.Owner), cell(r.Server), string(r.Code), w.title(r.Code), since})
	}
	if err := out.WriteAll(records); err != nil {
		return Message{}, err
	}
	m := w.message(Plain, w.Locale.Count("list."+kind+".title", len(rows)))
	m.Files = []File{{Name: kind + "-" + w.Now.Format(time.DateOnly) + ".csv", Type: "text/csv", Data: buf.Bytes()}}
	return m, nil
}

// cell keeps a spreadsheet from taking foreign text for a formula (OWASP,
// CSV injection).
func cell(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}
