package suite_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/checks/web"
)

// parts of a look that all find nothing wrong, and tell what they were asked.
func parts(asked *[]string) *suite.Live {
	note := func(what string) { *asked = append(*asked, what) }
	return &suite.Live{
		Names: func(_ context.Context, name string, _ checks.Subject) (checks.Sight, []checks.Finding, error) {
			note("names " + name)
			return checks.Sight{Name: name, V4: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, Points: checks.PointsOurs, Register: true}, nil, nil
		},
		Registry: func(_ context.Context, name string) ([]checks.Finding, error) {
			note("registry " + name)
			return nil, nil
		},
		Way: func(_ context.Context, s checks.Sight, _ web.Ask) ([]checks.Finding, error) {
			note("way " + s.Name)
			return nil, nil
		},
		Served: func(_ context.Context, s checks.Sight, _ checks.Subject, _ time.Time) (checks.Validity, []checks.Finding, error) {
			note("served " + s.Name)
			return checks.Validity{}, []checks.Finding{{Code: checks.CertOverdue, Severity: checks.Warning}}, nil
		},
		Came:   func(context.Context, checks.Subject) ([]checks.Finding, error) { note("came"); return nil, nil },
		Keys:   func(context.Context, checks.Subject) ([]checks.Finding, error) { note("keys"); return nil, nil },
		Vhosts: func(context.Context, checks.Subject) ([]checks.Finding, error) { note("vhosts"); return nil, nil },
	}
}

// A part that panics is one that could not look: the others look on, and
// nobody else's site is harmed.
func TestAPartThatPanics(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Active: checks.On}}
	for _, c := range []struct {
		part  string
		spoil func(*suite.Live)
	}{
		{suite.RegistryCheck, func(l *suite.Live) {
			l.Registry = func(context.Context, string) ([]checks.Finding, error) { panic("registry") }
		}},
		{suite.WayCheck, func(l *suite.Live) {
			l.Way = func(context.Context, checks.Sight, web.Ask) ([]checks.Finding, error) { panic(errors.New("way")) }
		}},
		{suite.CameCheck, func(l *suite.Live) {
			l.Came = func(context.Context, checks.Subject) ([]checks.Finding, error) { panic("came") }
		}},
		{suite.KeysCheck, func(l *suite.Live) {
			l.Keys = func(context.Context, checks.Subject) ([]checks.Finding, error) { var p *int; *p++; return nil, nil }
		}},
		{suite.VhostsCheck, func(l *suite.Live) {
			l.Vhosts = func(context.Context, checks.Subject) ([]checks.Finding, error) { panic("vhosts") }
		}},
	} {
		t.Run(c.part, func(t *testing.T) {
			var asked []string
			l := parts(&asked)
			c.spoil(l)
			seen := l.Look(t.Context(), x, false, time.Now())
			found, failed := seen.Findings, seen.Failures
			if len(failed) != 1 || failed[0].Check != c.part || failed[0].Site != "shop.ru" {
				t.Errorf("failed: %+v", failed)
			}
			if len(found) != 1 || found[0].Code != checks.CertOverdue || len(asked) != 6 {
				t.Errorf("the others: %q found %+v", asked, found)
			}
		})
	}
	t.Run(suite.NamesCheck, func(t *testing.T) {
		var asked []string
		l := parts(&asked)
		l.Names = func(context.Context, string, checks.Subject) (checks.Sight, []checks.Finding, error) { panic("names") }
		seen := l.Look(t.Context(), x, false, time.Now())
		found, failed := seen.Findings, seen.Failures
		if v := checks.Judge(found, failed); v.Code != checks.Unknown || len(asked) != 2 {
			t.Errorf("the verdict is %s after %q", v.Code, asked)
		}
	})
}

// Where every connection is dropped, an alias at the same address is not
// asked for the same silence; one elsewhere is, and so is one behind a
// redirect that was dropped.
func TestSilenceIsMetOnce(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Aliases: []string{"www.shop.ru", "other.shop.ru"}, Active: checks.On}}
	for _, c := range []struct {
		name string
		args checks.Args
		want []string
	}{
		{"dropped", checks.Args{"pattern": "all", "hops": []string{"a"}, "says": "Timeout during connect (likely firewall problem)"}, []string{"way shop.ru", "way other.shop.ru"}},
		{"behind a redirect", checks.Args{"pattern": "all", "hops": []string{"a", "b"}, "says": "Timeout during connect (likely firewall problem)"}, []string{"way shop.ru", "way www.shop.ru", "way other.shop.ru"}},
		{"at random", checks.Args{"pattern": "random", "hops": []string{"a"}, "says": "Timeout during connect (likely firewall problem)"}, []string{"way shop.ru", "way www.shop.ru", "way other.shop.ru"}},
		{"no answer", checks.Args{"pattern": "all", "hops": []string{"a"}, "says": "Timeout after connect (your server may be slow or overloaded)"}, []string{"way shop.ru", "way www.shop.ru", "way other.shop.ru"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			l := parts(&asked)
			names := l.Names
			l.Names = func(ctx context.Context, name string, x checks.Subject) (checks.Sight, []checks.Finding, error) {
				s, found, err := names(ctx, name, x)
				if name == "other.shop.ru" {
					s.V4 = []netip.Addr{netip.MustParseAddr("192.0.2.11")}
				}
				return s, found, err
			}
			l.Way = func(_ context.Context, s checks.Sight, _ web.Ask) ([]checks.Finding, error) {
				asked = append(asked, "way "+s.Name)
				return []checks.Finding{{Code: checks.WebTimeout, Severity: checks.Warning, Args: c.args}}, nil
			}
			l.Look(t.Context(), x, true, time.Now())
			asked = slices.DeleteFunc(asked, func(what string) bool { return what[:3] != "way" })
			if !slices.Equal(asked, c.want) {
				t.Errorf("asked %q, want %q", asked, c.want)
			}
		})
	}
}

// What is served is told of the site's own name only, and only where somebody
// looked without an error.
func TestServed(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Aliases: []string{"www.shop.ru"}, Active: checks.On}}
	until := func(days int) checks.Validity {
		return checks.Validity{NotAfter: time.Date(2026, 12, days, 0, 0, 0, 0, time.UTC)}
	}
	for _, c := range []struct {
		name       string
		own, alias checks.Validity
		err        error // of the own name
		want       checks.Validity
		ran        bool
	}{
		{"seen", until(1), until(2), nil, until(1), true},
		{"an alias only", checks.Validity{}, until(2), nil, checks.Validity{}, true},
		{"one of two addresses is silent", until(1), until(2), errors.New("timeout"), checks.Validity{}, true},
		{"nobody was asked", checks.Validity{}, checks.Validity{}, nil, checks.Validity{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := parts(new([]string))
			l.Served = func(_ context.Context, s checks.Sight, _ checks.Subject, _ time.Time) (checks.Validity, []checks.Finding, error) {
				if s.Name == "shop.ru" {
					return c.own, nil, c.err
				}
				return c.alias, nil, nil
			}
			seen := l.Look(t.Context(), x, true, time.Now())
			if seen.Served != c.want || slices.Contains(seen.Checks, suite.ServedCheck) != c.ran {
				t.Errorf("served %v, looked at %q", seen.Served, seen.Checks)
			}
		})
	}
}

// What is foreign in an error is as harmless as in a finding.
func TestErrorsAreForeignToo(t *testing.T) {
	evil := errors.New("x509: cannot parse \u202egnp.exe\x1b[31m\n" + strings.Repeat("x", 10<<20))
	var asked []string
	l := parts(&asked)
	l.Served = func(context.Context, checks.Sight, checks.Subject, time.Time) (checks.Validity, []checks.Finding, error) {
		return checks.Validity{}, nil, evil
	}
	l.Egress = func(context.Context) ([]checks.Finding, error) { return nil, evil }
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Active: checks.On}}
	failed := append(l.Look(t.Context(), x, false, time.Now()).Failures, l.Server(t.Context(), "isp1").Failures...)
	if len(failed) != 2 {
		t.Fatalf("%d failures", len(failed))
	}
	for _, f := range failed {
		if len(f.Err) > 1000 || strings.ContainsAny(f.Err, "\u202e\x1b\n") {
			t.Errorf("%s: %d bytes, %.100q", f.Check, len(f.Err), f.Err)
		}
	}
}

// Silence at one name's addresses says nothing of another's.
func TestSilenceIsOfItsAddresses(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Aliases: []string{"other.shop.ru"}, Active: checks.On}}
	var asked []string
	l := parts(&asked)
	names := l.Names
	l.Names = func(ctx context.Context, name string, x checks.Subject) (checks.Sight, []checks.Finding, error) {
		s, found, err := names(ctx, name, x)
		if name != "shop.ru" {
			s.V4 = []netip.Addr{netip.MustParseAddr("192.0.2.11")}
		}
		return s, found, err
	}
	l.Way = func(_ context.Context, s checks.Sight, _ web.Ask) ([]checks.Finding, error) {
		if s.Name != "shop.ru" {
			return nil, nil
		}
		return []checks.Finding{{Code: checks.WebTimeout, Severity: checks.Warning, Args: checks.Args{
			"pattern": "all", "hops": []string{"a"}, "says": "Timeout during connect (likely firewall problem)"}}}, nil
	}
	seen := l.Look(t.Context(), x, false, time.Now())
	if slices.Contains(asked, "served shop.ru") || !slices.Contains(asked, "served other.shop.ru") || len(seen.Failures) != 1 {
		t.Errorf("asked %q, failed %+v", asked, seen.Failures)
	}
}

// A name that may stand behind a proxy has a log of the proxy's visits.
func TestTheLogOfAnUnseenNameIsNotRead(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Active: checks.On}}
	var asked []string
	l := parts(&asked)
	l.Names = func(context.Context, string, checks.Subject) (checks.Sight, []checks.Finding, error) {
		return checks.Sight{Name: "shop.ru"}, nil, errors.New("timeout")
	}
	if l.Look(t.Context(), x, true, time.Now()); slices.Contains(asked, "came") {
		t.Errorf("asked %q", asked)
	}
}
