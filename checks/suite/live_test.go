package suite_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/registry"
	"domovoy/checks/suite"
	"domovoy/checks/web"
)

// look is what a fake check returns.
type look func(t *checks.Target) ([]checks.Finding, error)

// fakes replace the checks of the list that look at sites from outside. Only
// the check of the served certificate finds anything; all record what they were
// asked.
type fakes struct {
	asked *[]string
	look  map[string]look
}

func newFakes() fakes {
	asked := new([]string)
	note := func(what string) { *asked = append(*asked, what) }
	return fakes{asked, map[string]look{
		checks.NamesCheck: func(t *checks.Target) ([]checks.Finding, error) {
			note("names " + t.DNS.Name)
			t.DNS.V4, t.DNS.Points, t.DNS.Register = []netip.Addr{netip.MustParseAddr("192.0.2.10")}, checks.PointsOurs, true
			return nil, nil
		},
		registry.Name:   func(t *checks.Target) ([]checks.Finding, error) { note("registry " + t.DNS.Name); return nil, nil },
		checks.WayCheck: func(t *checks.Target) ([]checks.Finding, error) { note("way " + t.DNS.Name); return nil, nil },
		cert.ServedCheck: func(t *checks.Target) ([]checks.Finding, error) {
			note("served " + t.DNS.Name)
			return []checks.Finding{{Code: checks.CertOverdue, Severity: checks.Warning}}, nil
		},
		web.LogCheck:     func(*checks.Target) ([]checks.Finding, error) { note("log"); return nil, nil },
		cert.KeysCheck:   func(*checks.Target) ([]checks.Finding, error) { note("keys"); return nil, nil },
		cert.VhostsCheck: func(*checks.Target) ([]checks.Finding, error) { note("vhosts"); return nil, nil },
	}}
}

// live is the real list, with the scopes, needs and order of all checks, and
// with the fakes in it.
func (f fakes) live() *suite.Live {
	list := suite.Checks(suite.Reading{}, suite.Outside{})
	for i := range list {
		if look, ok := f.look[list[i].Name]; ok {
			list[i].Due, list[i].Run = nil, func(_ context.Context, t *checks.Target) ([]checks.Finding, error) { return look(t) }
		}
	}
	return &suite.Live{Checks: list}
}

// A check that panics counts as one that could not look: the other checks run,
// and other sites are not affected.
func TestAPartThatPanics(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Active: checks.On}}
	for name, look := range map[string]look{
		registry.Name:    func(*checks.Target) ([]checks.Finding, error) { panic("registry") },
		checks.WayCheck:  func(*checks.Target) ([]checks.Finding, error) { panic(errors.New("way")) },
		web.LogCheck:     func(*checks.Target) ([]checks.Finding, error) { panic("log") },
		cert.KeysCheck:   func(*checks.Target) ([]checks.Finding, error) { var p *int; *p++; return nil, nil },
		cert.VhostsCheck: func(*checks.Target) ([]checks.Finding, error) { panic("vhosts") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakes()
			f.look[name] = look
			seen, _ := f.live().Probe(t.Context(), x, false, time.Now())
			found, failed := seen.Findings, seen.Failures
			if len(failed) != 1 || failed[0].Check != name || failed[0].Site != "shop.ru" {
				t.Errorf("failed: %+v", failed)
			}
			if len(found) != 1 || found[0].Code != checks.CertOverdue || len(*f.asked) != 6 {
				t.Errorf("the others: %q found %+v", *f.asked, found)
			}
		})
	}
	t.Run(checks.NamesCheck, func(t *testing.T) {
		f := newFakes()
		f.look[checks.NamesCheck] = func(*checks.Target) ([]checks.Finding, error) { panic("names") }
		seen, _ := f.live().Probe(t.Context(), x, false, time.Now())
		found, failed := seen.Findings, seen.Failures
		if v := checks.Judge(found, failed); v.Code != checks.Unknown || len(*f.asked) != 2 {
			t.Errorf("the verdict is %s after %q", v.Code, *f.asked)
		}
	})
}

// A look that was taken from elsewhere is completed by what only this host has: no name is
// asked for, and no access log of a site behind a proxy is searched for what it cannot have.
func TestBeside(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Aliases: []string{"www.shop.ru"}, Active: checks.On}}
	for _, c := range []struct {
		points checks.Pointing
		seen   []string
		want   []string
	}{
		{checks.PointsOurs, []string{checks.NamesCheck}, []string{"log", "keys", "vhosts"}},
		{checks.PointsProxied, []string{checks.NamesCheck}, []string{"keys", "vhosts"}},
		{checks.PointsOurs, []string{checks.NamesCheck, cert.KeysCheck}, []string{"log", "vhosts"}},
	} {
		f := newFakes()
		f.look[cert.VhostsCheck] = func(*checks.Target) ([]checks.Finding, error) {
			*f.asked = append(*f.asked, "vhosts")
			return []checks.Finding{{Code: checks.CertNotInstalled, Severity: checks.Warning}}, nil
		}
		far := checks.Probe{At: time.Now(), Checks: c.seen}
		if c.points == checks.PointsProxied {
			far.Findings = []checks.Finding{{Check: checks.NamesCheck, Code: checks.DNSProxied, Severity: checks.Info, From: "fra1"}}
		}
		seen := f.live().Beside(t.Context(), x, far, time.Now())
		if diff := cmp.Diff(c.want, *f.asked); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.points, diff)
		}
		if last := seen.Findings[len(seen.Findings)-1]; len(seen.Findings) != len(far.Findings)+1 || last.Code != checks.CertNotInstalled || last.Site != "shop.ru" || !slices.Contains(seen.Checks, checks.NamesCheck) || !slices.Contains(seen.Checks, cert.VhostsCheck) {
			t.Errorf("%v: %+v", c.points, seen)
		}
	}
}

// If every connection is dropped, an alias at the same address is not tried
// again; an alias at another address is, and so is one after whose redirect the
// connection was dropped.
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
			f := newFakes()
			f.elsewhere("other.shop.ru")
			f.look[checks.WayCheck] = func(t *checks.Target) ([]checks.Finding, error) {
				*f.asked = append(*f.asked, "way "+t.DNS.Name)
				return []checks.Finding{{Code: checks.WebTimeout, Severity: checks.Warning, Args: c.args}}, nil
			}
			f.live().Probe(t.Context(), x, true, time.Now())
			asked := slices.DeleteFunc(*f.asked, func(what string) bool { return what[:3] != "way" })
			if !slices.Equal(asked, c.want) {
				t.Errorf("asked %q, want %q", asked, c.want)
			}
		})
	}
}

// The dates of the served certificate are those of the site's own name only,
// and only if the check had no error.
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
			f := newFakes()
			f.look[cert.ServedCheck] = func(t *checks.Target) ([]checks.Finding, error) {
				err := c.err
				if t.Served = c.own; t.DNS.Name != "shop.ru" {
					t.Served, err = c.alias, nil
				}
				if err == nil && !t.Served.Known() {
					return nil, checks.ErrNothing
				}
				return nil, err
			}
			seen, _ := f.live().Probe(t.Context(), x, true, time.Now())
			if seen.Served != c.want || slices.Contains(seen.Checks, cert.ServedCheck) != c.ran {
				t.Errorf("served %v, looked at %q", seen.Served, seen.Checks)
			}
		})
	}
}

// Text from outside is sanitized in errors as in findings.
func TestErrorsAreForeignToo(t *testing.T) {
	evil := errors.New("x509: cannot parse \u202egnp.exe\x1b[31m\n" + strings.Repeat("x", 10<<20))
	f := newFakes()
	f.look[cert.ServedCheck] = func(*checks.Target) ([]checks.Finding, error) { return nil, evil }
	f.look[acme.EgressCheck] = func(*checks.Target) ([]checks.Finding, error) { return nil, evil }
	l := f.live()
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Active: checks.On}}
	seen, _ := l.Probe(t.Context(), x, false, time.Now())
	failed := append(seen.Failures, l.Server(t.Context(), "isp1", time.Now()).Failures...)
	if len(failed) != 2 {
		t.Fatalf("%d failures", len(failed))
	}
	for _, f := range failed {
		if len(f.Err) > 1000 || strings.ContainsAny(f.Err, "\u202e\x1b\n") {
			t.Errorf("%s: %d bytes, %.100q", f.Check, len(f.Err), f.Err)
		}
	}
}

// Dropped connections at one name's addresses say nothing about another's.
func TestSilenceIsOfItsAddresses(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Aliases: []string{"other.shop.ru"}, Active: checks.On}}
	f := newFakes()
	f.elsewhere("other.shop.ru")
	f.look[checks.WayCheck] = func(t *checks.Target) ([]checks.Finding, error) {
		if t.DNS.Name != "shop.ru" {
			return nil, nil
		}
		return []checks.Finding{{Code: checks.WebTimeout, Severity: checks.Warning, Args: checks.Args{
			"pattern": "all", "hops": []string{"a"}, "says": "Timeout during connect (likely firewall problem)"}}}, nil
	}
	seen, _ := f.live().Probe(t.Context(), x, false, time.Now())
	asked := *f.asked
	if slices.Contains(asked, "served shop.ru") || !slices.Contains(asked, "served other.shop.ru") || len(seen.Failures) != 1 {
		t.Errorf("asked %q, failed %+v", asked, seen.Failures)
	}
}

// The log of a name that may be behind a proxy contains the proxy's requests.
func TestTheLogOfAnUnseenNameIsNotRead(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Active: checks.On}}
	f := newFakes()
	f.look[checks.NamesCheck] = func(*checks.Target) ([]checks.Finding, error) { return nil, errors.New("timeout") }
	if f.live().Probe(t.Context(), x, true, time.Now()); slices.Contains(*f.asked, "log") {
		t.Errorf("asked %q", *f.asked)
	}
}

// Findings at an alias name the alias, and findings at the site's own name name
// only the site. The egress is checked when a person asks.
func TestFindingsTellWhose(t *testing.T) {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Aliases: []string{"www.shop.ru"}, Active: checks.Off}}
	f := newFakes()
	f.look[acme.EgressCheck] = func(*checks.Target) ([]checks.Finding, error) {
		return []checks.Finding{{Code: checks.CAUnreachable, Severity: checks.Critical}}, nil
	}
	want := []checks.Finding{
		{Check: cert.ServedCheck, Server: "isp1", Site: "shop.ru", Code: checks.CertOverdue, Severity: checks.Info},
		{Check: cert.ServedCheck, Server: "isp1", Site: "shop.ru", Name: "www.shop.ru", Code: checks.CertOverdue, Severity: checks.Info},
	}
	seen, _ := f.live().Probe(t.Context(), x, false, time.Now())
	if diff := cmp.Diff(want, seen.Findings); diff != "" {
		t.Errorf("in a sweep: %s", diff)
	}
	want = append(want, checks.Finding{Check: acme.EgressCheck, Server: "isp1", Site: "shop.ru", Code: checks.CAUnreachable, Severity: checks.Info})
	seen, _ = f.live().Probe(t.Context(), x, true, time.Now())
	if diff := cmp.Diff(want, seen.Findings); diff != "" {
		t.Errorf("for a person: %s", diff)
	}
}

// elsewhere makes a name point to an address of its own.
func (f fakes) elsewhere(name string) {
	names := f.look[checks.NamesCheck]
	f.look[checks.NamesCheck] = func(t *checks.Target) ([]checks.Finding, error) {
		found, err := names(t)
		if t.DNS.Name == name {
			t.DNS.V4 = []netip.Addr{netip.MustParseAddr("192.0.2.11")}
		}
		return found, err
	}
}
