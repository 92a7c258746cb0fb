package reports

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
	"domovoy/checks/suite"
)

// randomServer is a panel with random flags, rows and files, as a reading
// returns it.
func randomServer(t *testing.T, r *rand.Rand) Server {
	flags := []checks.Flag{checks.On, checks.Off, checks.Unset}
	flag := func() checks.Flag { return flags[r.IntN(3)] }
	s := Server{Name: "isp1", Read: noon, Overdue: OverdueRule{LifeLeft: 7.0 / 90}}
	for n := range r.IntN(60) {
		name := fmt.Sprintf("site%d.ru", n)
		x := checks.Subject{Site: &checks.Site{Server: "isp1", ID: int64(n), Name: name, Active: flag(), Secure: flag(), Redirect: flag()}}
		if r.IntN(2) == 0 {
			c := checks.Certificate{ID: int64(n), Name: name + "_le1", Domain: name, Processing: flag(), Failed: flag(),
				Started: noon.Add(-time.Duration(r.IntN(100)) * day)}
			if r.IntN(5) == 0 {
				c.Name, c.Domain = "", "" // has no site
			} else {
				x.Certificate = &c
			}
			s.Snapshot.Certificates = append(s.Snapshot.Certificates, c)
		}
		if r.IntN(3) == 0 {
			x.File = &checks.CertificateFile{NotBefore: noon.Add(-80 * day), NotAfter: noon.Add(time.Duration(r.IntN(20)-5) * day)}
		}
		if r.IntN(3) == 0 {
			x.History = &checks.History{Failures: 2, Last: checks.LastTry{Outcome: checks.OutcomeFailed, Time: noon, Text: "DNS problem: NXDOMAIN"}}
		}
		s.Snapshot.Sites = append(s.Snapshot.Sites, *x.Site)
		s.Subjects = append(s.Subjects, x)
	}
	rules := cert.Rules{LifeLeft: s.Overdue.LifeLeft}
	s.Outcome = new(suite.Series).Run(t.Context(), suite.Checks(suite.Reading{Rules: rules, Classifier: acme.NewClassifier(), Files: true}, suite.Outside{}), "isp1", s.Subjects, noon)
	overdue := 0
	for _, f := range s.Outcome.Findings {
		if f.Code == checks.CertOverdue {
			overdue++
		}
	}
	for _, c := range s.Snapshot.Certificates {
		if c.Name == "" && c.Domain == "" && cert.RowOverdue(c, rules, noon) {
			s.Nameless = append(s.Nameless, c)
		}
	}
	for _, m := range panel.Counts(s.Snapshot, 0, overdue+len(s.Nameless)) {
		s.Readings = append(s.Readings, Reading{Metric: m})
	}
	return s
}

// A list has as many lines as the count with its name.
func TestListTotalsEqualCounts(t *testing.T) {
	for seed := range uint64(50) {
		s := randomServer(t, rand.New(rand.NewPCG(seed, 1)))
		for _, r := range s.Readings {
			kind := strings.TrimPrefix(string(r.Code), "panel.")
			rows := s.List(kind)
			if len(rows) != r.Value {
				t.Errorf("seed %d: list %s has %d rows, the count is %d", seed, kind, len(rows), r.Value)
			}
			for _, row := range rows {
				if row.Domain == "" {
					t.Errorf("seed %d: list %s: a row without a name: %+v", seed, kind, row)
				}
			}
		}
	}
}

func TestListRows(t *testing.T) {
	failed := checks.Certificate{ID: 1, Name: "shop.ru_le2", Domain: "shop.ru", Owner: "u1", Failed: checks.On, Started: noon.Add(-day)}
	orphan := checks.Certificate{ID: 2, Name: "old_le1", Owner: "u2", Failed: checks.On}
	history := &checks.History{Since: noon.Add(-9 * day)}
	s := Server{
		Name:     "isp1",
		Opened:   Since{{"late.ru", checks.CARemote}: {At: noon.Add(-5 * day)}},
		Snapshot: checks.Snapshot{Certificates: []checks.Certificate{failed, orphan, {ID: 3, Failed: checks.On}}},
		Subjects: []checks.Subject{
			{Site: &checks.Site{Name: "shop.ru", Owner: "boss"}, Certificate: &failed, History: history},
			{Site: &checks.Site{Name: "late.ru", Owner: "u4"}},
		},
		Outcome: checks.Outcome{Findings: list(
			onSite("shop.ru", checks.CADNS), onSite("late.ru", checks.CertOverdue), onSite("late.ru", checks.CARemote))},
	}
	tests := []struct {
		kind string
		want []Row
	}{
		{"failed", []Row{
			{Domain: "shop.ru", Owner: "boss", Server: "isp1", Code: checks.CADNS, Severity: checks.Warning, Since: noon.Add(-9 * day), Exact: true},
			{Domain: "old_le1", Owner: "u2", Server: "isp1", Code: checks.Unknown, Severity: checks.Warning, Exact: true},
			{Domain: "#3", Server: "isp1", Code: checks.Unknown, Severity: checks.Warning, Exact: true},
		}},
		{"overdue", []Row{{Domain: "late.ru", Owner: "u4", Server: "isp1", Code: checks.CARemote, Severity: checks.Warning, Since: noon.Add(-5 * day)}}},
		{"processing", nil},
		{"no such list", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, s.List(tt.kind)); diff != "" {
			t.Errorf("%s:\n%s", tt.kind, diff)
		}
	}
}

func TestFilter(t *testing.T) {
	row := Row{Domain: "shop.ru", Owner: "client17", Server: "isp1", Code: checks.CADNS}
	tests := []struct {
		filter Filter
		keeps  bool
	}{
		{Filter{}, true},
		{Filter{Owner: "client17"}, true},
		{Filter{Owner: "client1*"}, true},
		{Filter{Owner: "client1"}, false},
		{Filter{Owner: "client[1-3]?"}, true},
		{Filter{Owner: "client[", Server: "isp1"}, false}, // an invalid pattern matches nothing
		{Filter{Server: "isp2"}, false},
		{Filter{Server: "isp*", Cause: "ca.dns", Owner: "*"}, true},
		{Filter{Cause: "ca"}, true},
		{Filter{Cause: "c"}, false},
		{Filter{Cause: "ca.dn"}, false},
		{Filter{Cause: "cert"}, false},
		{Filter{Cause: "cert,ca.dns"}, true},
		{Filter{Cause: "cert,web.loop"}, false},
	}
	for _, tt := range tests {
		if got := tt.filter.keeps(row); got != tt.keeps {
			t.Errorf("%+v: %t, want %t", tt.filter, got, tt.keeps)
		}
	}
}

// lookedAt is a panel whose sites were probed, with the given findings and
// failures.
func lookedAt(found map[string][]checks.Finding, failed map[string][]checks.Failure, off ...string) Server {
	s := Server{Name: "isp1", Read: noon, Probes: map[string]checks.Probe{}, Opened: Since{{"away.ru", checks.DNSElsewhere}: {At: noon.Add(-9 * day), Exact: true}}}
	for _, name := range []string{"away.ru", "alias.ru", "free.ru", "unpaid.ru", "soon.ru", "later.ru", "dark.ru", "well.ru", "off.ru"} {
		x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: name, Owner: "u", Active: checks.On}}
		s.Subjects = append(s.Subjects, x)
		s.Probes[name] = checks.Probe{At: noon.Add(-time.Hour), Findings: found[name], Failures: failed[name]}
	}
	for _, name := range off {
		delete(s.Probes, name)
	}
	return s
}

func seenOn(site string, code checks.Code, args checks.Args) []checks.Finding {
	f := onSite(site, code)
	f.Args = args
	return []checks.Finding{f}
}

// A site is on a list of probed sites by its verdict alone; names that will be
// free soonest come first, and a name that is registered and paid for does not
// count as free.
func TestListsOfWhatWasSeen(t *testing.T) {
	soon, later := noon.Add(3*day), noon.Add(30*day)
	alias := seenOn("alias.ru", checks.DNSPartly, checks.Args{"ours": "203.0.113.10", "others": "198.51.100.7"})
	alias[0].Name = "www.alias.ru"
	s := lookedAt(map[string][]checks.Finding{
		"away.ru":   append(seenOn("away.ru", checks.DNSElsewhere, checks.Args{"addresses": "198.51.100.7", "network": "beget.com"}), onSite("away.ru", checks.CertExpired)),
		"alias.ru":  alias,
		"free.ru":   seenOn("free.ru", checks.DNSUnregistered, checks.Args{"domain": "free.ru"}),
		"unpaid.ru": seenOn("unpaid.ru", checks.DNSUndelegated, checks.Args{"paid_till": later}),
		"soon.ru":   seenOn("soon.ru", checks.DNSUndelegated, checks.Args{"free_date": soon}),
		"later.ru":  seenOn("later.ru", checks.DNSUndelegated, checks.Args{"free_date": later}),
	}, map[string][]checks.Failure{
		"dark.ru": {{Check: "dns", Site: "dark.ru", Err: "timeout"}, {Check: "dns", Site: "dark.ru", Err: "timeout"}, {Check: "served", Site: "dark.ru", Err: "timeout"}},
	})
	row := func(name string, code checks.Code) Row {
		return Row{Domain: name, Owner: "u", Server: "isp1", Code: code, Severity: checks.Warning}
	}
	away, partly, dark, first, second := row("away.ru", checks.DNSElsewhere), row("alias.ru", checks.DNSPartly), row("dark.ru", checks.Unknown),
		row("soon.ru", checks.DNSUndelegated), row("later.ru", checks.DNSUndelegated)
	away.To, away.Since, away.Exact, away.Severity = "beget.com", noon.Add(-9*day), true, checks.Critical // its certificate expired, too
	partly.To, partly.Name = "198.51.100.7", "www.alias.ru"
	dark.Blind = []string{"dns", "served"}
	first.Free, second.Free = soon, later
	for kind, want := range map[string][]Row{
		"elsewhere": {away, partly},
		"free":      {row("free.ru", checks.DNSUnregistered), first, second},
		"unknown":   {dark},
	} {
		if diff := cmp.Diff(want, List(kind, []Server{s}, Filter{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

// Sites that were not probed are counted, except for a site that is switched
// off.
func TestHowFarTheLooksGo(t *testing.T) {
	s := lookedAt(nil, nil, "dark.ru", "off.ru")
	s.Subjects[8].Site.Active = checks.Off
	s.Probes["well.ru"] = checks.Probe{At: noon.Add(-5 * time.Hour)}
	if unseen, oldest := s.LookCoverage(); unseen != 1 || !oldest.Equal(noon.Add(-5*time.Hour)) {
		t.Errorf("%d sites were not seen, the oldest look is of %s", unseen, oldest)
	}
	s.Probes = nil
	if unseen, oldest := s.LookCoverage(); unseen != 8 || !oldest.IsZero() {
		t.Errorf("without looks %d sites were not seen, the oldest look is of %s", unseen, oldest)
	}
}
