package reports

import (
	"cmp"
	"iter"
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
	return []string{"trouble", "failed", "failing", "expired", "expiring", "processing", "overdue", "nocertificate", "noredirect",
		"elsewhere", "free", "ending", Droppable, "paused", "zombie", "unknown", "new", "fixed", "sites", "unreadable"}
}

// SinceYesterday reports whether a kind of list compares with a day ago: Day.List
// has it, Server.List has not.
func SinceYesterday(kind string) bool { return kind == "new" || kind == "fixed" }

// FromOutside reports whether a kind of list rests on checks from outside. If
// there were none, an empty list means nothing.
func FromOutside(kind string) bool { return kind == "elsewhere" || kind == "free" || kind == Droppable }

// Droppable is the kind of list of sites that would get a certificate without
// those of their aliases which the CA does not accept.
const Droppable = "droppable"

// Row is a row of a list: a site, or a certificate that belongs to no site.
type Row struct {
	Domain   string // A-label form; without a domain the certificate's name; without both "#12", its row's number
	Owner    string
	Server   string
	Node     string      // of a cluster; empty: not known, or there is none
	Code     checks.Code // root cause, OK included; empty: the row is no site, and the panel says nothing of its certificate
	Severity checks.Severity
	Since    time.Time // beginning of the root cause, or of what the list is about if there is no problem; zero: not known
	Exact    bool      // false: it was there when we first looked, so it is at least that old

	Ends  time.Time // end of the certificate, or of the registration; zero: not known, or the list is not about it
	Name  string    // the alias that the verdict is about; empty: it is the domain
	To    string    // network or addresses that the name has instead of ours
	Free  time.Time // when the registry releases the name; zero: it is free now, or the list is not about it
	Blind []string  // the checks that could not look

	Was   checks.Code // root cause of a problem that is over; empty: the row is not about one
	Until time.Time   // when that problem ended; zero: not over, or not known
	Names *Names      // of a droppable site: its dead aliases, and what passes without them; else nil
	Sites int         // the row stands for so many sites of Owner, this is the first; 0: for itself

	Ending     *Ending            // the registration that ends, where the list is about that; nil: it is not
	Unreadable *checks.Unreadable // the value in the panel's database that the row is about, Domain is its place; nil: the row is about a site
}

// Filter narrows a list; an empty field matches everything. Owner and Server are
// patterns of path.Match; Owner may be NoOwner instead, and Server may be of a
// panel or of a node of it: isp1/node2. Cause is one or more codes, separated by commas, each
// of which may be only the part before the dot, or CauseRest. It is about the root
// cause; of a problem that is over, about what it was. Older is the age that a row's
// beginning exceeds At by; a row without a beginning is not older than anything.
// Within is how soon a registration ends that is listed as ending; 0:
// checks.EndingWithin.
type Filter struct {
	Owner, Server, Cause string
	Older, Within        time.Duration
	At                   time.Time
}

// NoOwner as the Owner of a filter means the rows without an owner.
const NoOwner = "-"

// CauseRest as the Cause of a filter means every cause that is not one of the
// TopCauses most frequent ones.
const CauseRest = "rest"

// Causes are the codes of Cause.
func (f Filter) Causes() []string {
	if f.Cause == "" || f.Cause == CauseRest {
		return nil
	}
	return strings.Split(f.Cause, ",")
}

// Of are the rows that match. What is CauseRest is decided among the rows that match
// otherwise.
func (f Filter) Of(rows []Row) []Row {
	var kept []Row
	counts := map[checks.Code]int{}
	for _, r := range rows {
		if f.keeps(r) {
			kept = append(kept, r)
			counts[r.cause()]++
		}
	}
	if f.Cause != CauseRest {
		return kept
	}
	shares := Shares(counts, TopCauses)
	if len(shares) <= TopCauses {
		return nil
	}
	return slices.DeleteFunc(kept, func(r Row) bool { return !slices.Contains(shares[TopCauses].Codes, r.cause()) })
}

// keeps reports whether a row matches all but CauseRest.
func (f Filter) keeps(r Row) bool {
	causes, code := f.Causes(), string(r.cause())
	return (f.Owner == NoOwner && r.Owner == "" || glob(f.Owner, r.Owner)) && f.HasServer(r.Server) && f.HasNode(r.Node) &&
		(len(causes) == 0 || slices.ContainsFunc(causes, func(cause string) bool {
			return cause == code || strings.HasPrefix(code, cause+".")
		})) && (f.Older == 0 || Start{At: r.Since}.Over(f.Older, f.At))
}

// Place is the panel, or the node of it: isp1/node2.
func (r Row) Place() string { return checks.Place(r.Server, r.Node) }

// cause is the root cause of the row's problem, also of one that is over.
func (r Row) cause() checks.Code { return cmp.Or(r.Was, r.Code) }

func glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// List gathers the rows of one kind over the servers, worst first.
func List(kind string, servers []Server, f Filter) []Row {
	var rows []Row
	for _, s := range servers {
		if kind == "ending" && f.Within > 0 {
			rows = append(rows, s.listEnding(f.Within)...)
			continue
		}
		rows = append(rows, s.List(kind)...)
	}
	rows = f.Of(rows)
	slices.SortStableFunc(rows, byHarm)
	return rows
}

// ByOwner is one row for each owner of some rows, the owners with the most rows
// first: the owner's first row, with how many there are.
func ByOwner(rows []Row) []Row {
	index := map[string]int{}
	var owners []Row
	for _, r := range rows {
		i, ok := index[r.Owner]
		if !ok {
			i = len(owners)
			index[r.Owner] = i
			owners = append(owners, r)
		}
		owners[i].Sites++
	}
	slices.SortStableFunc(owners, func(a, b Row) int { return cmp.Or(cmp.Compare(b.Sites, a.Sites), strings.Compare(a.Owner, b.Owner)) })
	return owners
}

// byHarm sorts what needs a person first: registrations by their ends, else by the day the registry releases the
// name, where the list has one; else by severity, then by the certificate's end,
// then by age. What is not known comes last.
func byHarm(a, b Row) int {
	if a.Ending != nil && b.Ending != nil {
		return bySoonest(*a.Ending, *b.Ending)
	}
	return cmp.Or(a.Free.Compare(b.Free), cmp.Compare(b.Severity, a.Severity), soonest(a.Ends, b.Ends), soonest(a.Since, b.Since),
		strings.Compare(a.Domain, b.Domain), strings.Compare(a.Server, b.Server))
}

// soonest compares moments; a zero one is after all others.
func soonest(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		if a.IsZero() {
			return 1
		}
		return -1
	}
	return a.Compare(b)
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
	case "failing":
		return s.listFailing()
	case "unreadable":
		return s.listUnreadable()
	case "ending":
		return s.listEnding(checks.EndingWithin)
	}
	var rows []Row
	for j := range s.candidates(kind) {
		if row, ok := j.listed(kind); ok {
			rows = append(rows, row)
		}
	}
	if kind == "overdue" {
		rows = append(rows, s.listNameless()...)
	}
	return rows
}

// candidates are the sites that may be in a list of a kind.
func (s Server) candidates(kind string) iter.Seq[Judged] {
	switch kind {
	case "expired":
		return s.judgedWith(coded(checks.CertExpired), false)
	case "overdue":
		return s.judgedWith(coded(checks.CertOverdue), false)
	case "paused":
		return s.judgedWith(coded(checks.CAPaused, checks.CAPausing), false)
	case "nocertificate":
		return s.judgedWith(coded(checks.PanelNoCertificate), false)
	case "noredirect":
		return s.judgedWith(coded(checks.PanelNoRedirect), false)
	case "zombie":
		return s.judgedWith(coded(checks.CAZombie), false)
	case "elsewhere":
		return s.judgedWith(coded(checks.DNSElsewhere, checks.DNSPartly), false)
	case "free":
		return s.judgedWith(coded(checks.DNSUnregistered, checks.DNSUndelegated), false)
	case "unknown":
		return s.judgedWith(coded(), true)
	}
	return s.Judged()
}

// listed is the site's row of a kind of list; false: it does not belong there.
func (j Judged) listed(kind string) (Row, bool) {
	switch kind {
	case "trouble":
		return j.row(), j.InTrouble()
	case "sites":
		return j.row(), true
	case "expired":
		f, ok := j.finding(checks.CertExpired)
		return j.rowOf(f), ok && ends(f)
	case "expiring":
		row := j.row()
		row.Ends = j.endsWithin(ExpiringWithin)
		return row, !row.Ends.IsZero()
	case "overdue":
		f, ok := j.overdue()
		return j.rowOf(f), ok
	case "paused":
		f, ok := j.finding(checks.CAPaused)
		if !ok {
			f, ok = j.finding(checks.CAPausing)
		}
		return j.rowOf(f), ok
	case "nocertificate", "noredirect", "zombie":
		f, ok := j.finding(map[string]checks.Code{"nocertificate": checks.PanelNoCertificate, "noredirect": checks.PanelNoRedirect, "zombie": checks.CAZombie}[kind])
		return j.rowOf(f), ok
	case "unknown":
		row := j.row()
		row.Blind = j.blind()
		return row, j.Blind()
	case Droppable:
		row := j.row()
		names, ok, _ := j.Droppable()
		row.Names = &names
		return row, ok
	case "elsewhere", "free":
		row := j.row()
		return row, row.fits(kind, j.Cause.Finding.Args)
	}
	return Row{}, false
}

// overdue is the finding that panel.overdue counts: that of the panel's side, even
// where visitors get a newer certificate (see superseded).
func (j Judged) overdue() (checks.Finding, bool) {
	for _, f := range j.Server.Outcome.Findings {
		if f.Code == checks.CertOverdue {
			return f, true
		}
	}
	return checks.Finding{}, false
}

// row is the site with its root cause.
func (j Judged) row() Row {
	site := j.Subject.Site
	return Row{Domain: site.Name, Owner: site.Owner, Server: j.Server.Name, Node: site.Node, Code: j.Cause.Code, Severity: j.Severity,
		Since: j.Start.At, Exact: j.Start.Exact, Name: j.Cause.Finding.Name}
}

// rowOf is the site in a list about a finding of it: with the end of the
// certificate that the finding is about, and without a root cause dated by it.
func (j Judged) rowOf(f checks.Finding) Row {
	row := j.row()
	if dated(f.Code) {
		row.Ends, _ = f.Args["at"].(time.Time)
	}
	if row.Since.IsZero() && f.Code != "" && !j.InTrouble() {
		start := j.Server.startOf(j.Subject, f)
		row.Since, row.Exact = start.At, start.Exact
	}
	return row
}

// ExpiringWithin is how soon a certificate ends that is listed as expiring.
const ExpiringWithin = 24 * time.Hour

// endsWithin is the end of the certificate of a site that is served, if it comes
// within a time after the reading; else zero.
func (j Judged) endsWithin(soon time.Duration) time.Time {
	x := j.Subject
	if x.Site.Active == checks.Off || x.Site.Secure == checks.Off || x.File == nil || x.File.SelfSigned {
		return time.Time{}
	}
	if left := x.File.NotAfter.Sub(j.Server.Read); left <= 0 || left > soon {
		return time.Time{}
	}
	return x.File.NotAfter
}

// listCertificates gives a row for each of the panel's certificates that match.
func (s Server) listCertificates(match func(checks.Certificate) bool) []Row {
	var certificates []checks.Certificate
	for _, c := range s.Snapshot.Certificates {
		if match(c) {
			certificates = append(certificates, c)
		}
	}
	sites := s.byCertificate(certificates)
	var rows []Row
	for _, c := range certificates {
		rows = append(rows, s.certificateRow(c, sites[c.ID]))
	}
	return rows
}

// byCertificate gives the judged site of each of some certificates, by its row's number.
func (s Server) byCertificate(certificates []checks.Certificate) map[int64]*Judged {
	sites := make(map[int64]*Judged, len(certificates))
	for _, c := range certificates {
		sites[c.ID] = nil
	}
	judge := s.judge()
	for _, x := range s.Subjects {
		for _, c := range []*checks.Certificate{x.Certificate, x.Order} {
			if c == nil {
				continue
			}
			if _, wanted := sites[c.ID]; wanted {
				j := judge(x)
				sites[c.ID] = &j
			}
		}
	}
	return sites
}

// certificateRow is the row of a certificate: its site's, if it has one (else nil).
func (s Server) certificateRow(c checks.Certificate, j *Judged) Row {
	if j == nil {
		row := Row{Domain: cmp.Or(c.Domain, c.Name, unnamed(c)), Owner: c.Owner, Server: s.Name, Since: c.Started, Exact: true}
		if c.Failed == checks.On {
			row.Code, row.Severity = checks.Unknown, checks.Warning // it failed for an unknown reason
		}
		return row
	}
	row := j.row()
	if !j.InTrouble() && row.Since.IsZero() {
		row.Since, row.Exact = c.Started, true // of the order
	}
	return row
}

// listFailing gives a row for each certificate that panel.failing counts; the
// issuance log may know some that the panel no longer has.
func (s Server) listFailing() []Row {
	if len(s.Failing) == 0 {
		return nil
	}
	known := map[string]checks.Certificate{}
	for _, c := range s.Snapshot.Certificates {
		known[c.Name] = c
	}
	var certificates []checks.Certificate
	for _, name := range s.Failing {
		if c, ok := known[name]; ok {
			certificates = append(certificates, c)
		}
	}
	sites := s.byCertificate(certificates)
	var rows []Row
	for _, name := range s.Failing {
		if c, ok := known[name]; ok {
			rows = append(rows, s.certificateRow(c, sites[c.ID]))
			continue
		}
		rows = append(rows, Row{Domain: name, Server: s.Name, Code: checks.Unknown, Severity: checks.Warning})
	}
	return rows
}

// listNameless gives a row for each overdue certificate that has neither a name
// nor a domain: the count includes them, so the list must too.
func (s Server) listNameless() []Row {
	var rows []Row
	for _, c := range s.Nameless {
		rows = append(rows, Row{Domain: unnamed(c), Owner: c.Owner, Server: s.Name, Code: checks.CertOverdue, Severity: checks.CertOverdue.Severity()})
	}
	return rows
}

// listUnreadable gives a row for each value of the panel that could not be read.
func (s Server) listUnreadable() []Row {
	var rows []Row
	for i := range s.Snapshot.Unreadable {
		u := &s.Snapshot.Unreadable[i]
		rows = append(rows, Row{Domain: u.Table + "." + u.Column, Server: s.Name, Code: checks.PanelUnreadable, Severity: checks.PanelUnreadable.Severity(), Unreadable: u})
	}
	return rows
}

// unnamed stands for a certificate without a name: its row's number.
func unnamed(c checks.Certificate) string { return "#" + strconv.FormatInt(c.ID, 10) }

// fits reports whether the verdict belongs on the list, and sets Free and To from
// the finding's arguments.
func (r *Row) fits(kind string, args checks.Args) bool {
	r.Free, _ = args["free_date"].(time.Time)
	switch {
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
