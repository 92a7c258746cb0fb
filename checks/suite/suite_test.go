package suite

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
)

// touchy finds every site overdue, panics on one and cannot look at another.
func touchy() checks.Check {
	return checks.Check{Name: "touchy", Run: func(_ context.Context, s checks.Subject) ([]checks.Finding, error) {
		found := []checks.Finding{{Code: checks.CertOverdue, Severity: checks.Warning}}
		switch s.Site.Name {
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
	return checks.Check{Name: "quiet", Run: func(context.Context, checks.Subject) ([]checks.Finding, error) { return nil, nil }}
}

// A check that panics costs its site, and nobody else.
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
			finding("off.ru", checks.Info), // a site that is switched off troubles nobody
			finding("z.ru", checks.Warning),
		},
		Failures: []checks.Failure{
			failure("panic.ru", "the check broke: no such thing"), failure("blind.ru", "could not look"), failure("half.ru", "looked at one half"),
		},
	}
	got := new(Series).Run(t.Context(), []checks.Check{touchy(), quiet()}, "isp1", subjects)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each check says before what it may find, and finds nothing else; each code
// is known.
func TestChecks(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Checks(cert.Rules{}, acme.NewClassifier(), true) {
		if c.Name == "" || names[c.Name] || len(c.Codes) == 0 {
			t.Errorf("%q: every check has a name of its own, and codes", c.Name)
		}
		names[c.Name] = true
		for _, code := range c.Codes {
			if !slices.Contains(checks.Codes(), code) {
				t.Errorf("%s may find %s, which is no known code", c.Name, code)
			}
		}
	}
}

// A check that lacks what it needs is blind: that it found nothing means
// nothing.
func TestBlind(t *testing.T) {
	list := Checks(cert.Rules{}, acme.NewClassifier(), true)
	for _, tt := range []struct {
		missing checks.Missing
		blind   []string
	}{
		{checks.Missing{Table: "letsencrypt_log"}, []string{"issuing"}},
		{checks.Missing{Table: "letsencrypt_ssl", Column: "time_started"}, []string{"renewal"}},
		{checks.Missing{Table: "webdomain", Column: "redirect_http"}, []string{"site"}},
		{checks.Missing{Table: "webdomain", Column: "owner"}, nil},
		{checks.Missing{Table: "webdomain"}, []string{"site", "renewal", "issuing", "certificate"}},
	} {
		var blind []string
		for _, f := range Blind(list, checks.Snapshot{Server: "isp1", Missing: []checks.Missing{tt.missing}}) {
			blind = append(blind, f.Check)
			if f.Site != "" || f.Server != "isp1" || f.Err == "" {
				t.Errorf("%+v", f)
			}
		}
		if diff := cmp.Diff(tt.blind, blind); diff != "" {
			t.Errorf("without %s:\n%s", tt.missing, diff)
		}
	}
	if files := Checks(cert.Rules{}, acme.NewClassifier(), false); slices.ContainsFunc(files, func(c checks.Check) bool { return c.Name == cert.FileCheck }) {
		t.Error("a panel whose certificates are not read has no check of their files")
	}
}
