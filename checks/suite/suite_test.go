package suite

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
)

// touchy finds every site overdue, panics on one and fails on another.
func touchy() checks.Check {
	return checks.Check{Name: "touchy", Scope: checks.ScopeSite, Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
		found := []checks.Finding{{Code: checks.CertOverdue, Severity: checks.Warning}}
		switch t.Site.Name {
		case "panic.ru":
			panic("no such thing")
		case "blind.ru":
			return nil, errors.New("could not look")
		case "half.ru":
			return found, errors.New("looked at one half")
		}
		return found, nil
	}}
}

func quiet() checks.Check {
	return checks.Check{Name: "quiet", Scope: checks.ScopeSite, Run: func(context.Context, *checks.Target) ([]checks.Finding, error) { return nil, nil }}
}

// A check that panics affects only its site.
func TestRun(t *testing.T) {
	var subjects []checks.Subject
	for _, name := range []string{"a.ru", "panic.ru", "blind.ru", "half.ru", "off.ru", "z.ru"} {
		s := checks.Subject{Site: &checks.Site{Name: name, Active: checks.On}}
		if name == "off.ru" {
			s.Site.Active = checks.Off
		}
		subjects = append(subjects, s)
	}
	finding := func(site string, severity checks.Severity) checks.Finding {
		return checks.Finding{Check: "touchy", Server: "isp1", Site: site, Code: checks.CertOverdue, Severity: severity}
	}
	failure := func(site, err string) checks.Failure {
		return checks.Failure{Check: "touchy", Server: "isp1", Site: site, Err: err}
	}
	want := checks.Outcome{
		Server: "isp1", Checks: []string{"touchy", "quiet"},
		Findings: []checks.Finding{
			finding("a.ru", checks.Warning), finding("half.ru", checks.Warning),
			finding("off.ru", checks.Info), // the site is switched off
			finding("z.ru", checks.Warning),
		},
		Failures: []checks.Failure{
			failure("panic.ru", "the check broke: no such thing"), failure("blind.ru", "could not look"), failure("half.ru", "looked at one half"),
		},
	}
	got := new(Series).Run(t.Context(), []checks.Check{touchy(), quiet()}, "isp1", subjects, time.Now())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// all returns the list with every check of a reading switched on.
func all() []checks.Check {
	never := func(context.Context, string) (time.Time, error) { return time.Time{}, nil }
	nothing := func(context.Context, *checks.Target) ([]checks.Finding, error) { return nil, nil }
	return Checks(Reading{Classifier: acme.NewClassifier(), Files: true, Moved: never, Prospects: nothing}, Outside{})
}

// Each check declares its codes, and each code is known.
func TestChecks(t *testing.T) {
	names := map[string]bool{}
	for _, c := range all() {
		if c.Name == "" || names[c.Name] || c.Scope == 0 || len(c.Codes) == 0 {
			t.Errorf("%q: every check has a name of its own, a scope, and codes", c.Name)
		}
		if c.Live == (c.Run != nil) {
			t.Errorf("%s: what looks from outside is off without its configuration, and nothing else is", c.Name)
		}
		if c.Live && len(c.Needs.Panel) > 0 || c.Needs.Direct && c.Scope != checks.ScopeSite || (c.Needs.Registry || c.Needs.Address) && c.Scope != checks.ScopeName {
			t.Errorf("%s needs what a check of its kind is not given: %+v", c.Name, c.Needs)
		}
		names[c.Name] = true
		for _, code := range c.Codes {
			if !slices.Contains(checks.Codes(), code) {
				t.Errorf("%s may find %s, which is not a known code", c.Name, code)
			}
		}
	}
}

// A check whose needs the panel lacks is blind: the absence of findings from it
// means nothing. Each check with needs is blind if any of them is missing.
func TestBlind(t *testing.T) {
	list := all()
	blind := func(missing checks.Missing) (names []string) {
		for _, f := range Blind(list, checks.Snapshot{Server: "isp1", Missing: []checks.Missing{missing}}) {
			names = append(names, f.Check)
			if f.Site != "" || f.Server != "isp1" || f.Err == "" {
				t.Errorf("%+v", f)
			}
		}
		return names
	}
	needs := 0
	for _, c := range list {
		for _, m := range c.Needs.Panel {
			needs++
			var want []string
			for _, other := range list {
				if slices.ContainsFunc(other.Needs.Panel, func(n checks.Missing) bool {
					return n == m || m.Column == "" && n.Table == m.Table
				}) {
					want = append(want, other.Name)
				}
			}
			if diff := cmp.Diff(want, blind(m)); diff != "" || !slices.Contains(want, c.Name) {
				t.Errorf("%s without %s:\n%s", c.Name, m, diff)
			}
		}
	}
	if needs < 10 {
		t.Errorf("the list needs %d tables and columns", needs)
	}
	if got := blind(checks.Missing{Table: "webdomain", Column: "owner"}); got != nil {
		t.Errorf("without a column that no check needs, %q are blind", got)
	}
	list = Checks(Reading{}, Outside{})
	if got := blind(checks.Missing{Table: "webdomain"}); slices.Contains(got, cert.FileCheck) {
		t.Errorf("%q: a panel whose certificates are not read has no check of their files", got)
	}
}

// Findings and failures of a server's check are its own, and a check that fails
// does not affect the others.
func TestServer(t *testing.T) {
	of := func(name string, live bool, run func() ([]checks.Finding, error)) checks.Check {
		return checks.Check{Name: name, Scope: checks.ScopeServer, Live: live, Run: func(context.Context, *checks.Target) ([]checks.Finding, error) { return run() }}
	}
	list := []checks.Check{
		touchy(),
		of("breaks", false, func() ([]checks.Finding, error) { panic("no such thing") }),
		of("half", false, func() ([]checks.Finding, error) {
			return []checks.Finding{{Site: "a.ru", Code: checks.CAZombie}}, errors.New("looked at one half")
		}),
		of("outside", true, func() ([]checks.Finding, error) { return []checks.Finding{{Code: checks.DNSBLListed}}, nil }),
		{Name: "off", Scope: checks.ScopeServer},
	}
	want := checks.Outcome{Server: "isp1", Checks: []string{"breaks", "half"},
		Findings: []checks.Finding{{Check: "half", Server: "isp1", Site: "a.ru", Code: checks.CAZombie}},
		Failures: []checks.Failure{
			{Check: "breaks", Server: "isp1", Err: "the check broke: no such thing"}, {Check: "half", Server: "isp1", Err: "looked at one half"},
		},
	}
	if diff := cmp.Diff(want, Server(t.Context(), list, false, &checks.Target{Server: "isp1"})); diff != "" {
		t.Errorf("a reading: %s", diff)
	}
	want = checks.Outcome{Server: "isp1", Checks: []string{"outside"}, Findings: []checks.Finding{{Check: "outside", Server: "isp1", Code: checks.DNSBLListed, From: "fra1"}}}
	if diff := cmp.Diff(want, (&Live{Checks: list, From: "fra1"}).Server(t.Context(), "isp1", time.Now())); diff != "" {
		t.Errorf("from outside: %s", diff)
	}
}
