package quorum_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/quorum"
)

// letsEncrypt is the table that comes with the program, today.
func letsEncrypt(t *testing.T) quorum.Rule {
	book, err := budget.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return func(looks int) int {
		return book.MayMiss("acme-v02.api.letsencrypt.org", looks, time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC))
	}
}

var shop = checks.Site{Server: "isp1", Name: "shop.ru", Active: checks.On}

// place is the n-th vantage point.
func place(n int) checks.Vantage {
	return checks.Vantage{Name: fmt.Sprintf("v%d", n), Network: fmt.Sprintf("AS%d", 64500+n), Country: []string{"de", "ru", "us", "sg", "br", "in", "za"}[n]}
}

// The ways a look at a name ends.
const (
	fine = iota
	fails
	blind
	outcomes
)

// probed is a probe that ended in that way.
func probed(how int) checks.Probe {
	p := checks.Probe{At: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), Checks: []string{checks.NamesCheck, checks.WayCheck}}
	switch how {
	case fails:
		p.Findings = []checks.Finding{{Check: checks.WayCheck, Server: "isp1", Site: "shop.ru", Code: checks.WebTimeout, Severity: checks.Warning, Args: checks.Args{"port": 80}}}
	case blind:
		p.Failures = []checks.Failure{{Check: checks.NamesCheck, Server: "isp1", Site: "shop.ru", Err: "timeout"}}
	}
	return p
}

// TestEverySplit compares the verdict with the CA's rule, counted here from the
// text of the Baseline Requirements alone, for every way in which 1 to 7 vantage
// points can see a name.
func TestEverySplit(t *testing.T) {
	rule := letsEncrypt(t)
	for n := 1; n <= 7; n++ {
		all := 1
		for range n {
			all *= outcomes
		}
		for split := range all {
			var looks []quorum.Look
			var said []int
			for i, rest := 0, split; i < n; i, rest = i+1, rest/outcomes {
				looks = append(looks, quorum.Look{From: place(i), Probe: probed(rest % outcomes)})
				said = append(said, rest%outcomes)
			}
			want := corroborated(said)
			merged := rule.Merge(&shop, looks, checks.Probe{})
			if got := merged.Verdict().Code; got != want {
				t.Errorf("%v: the verdict is %s, want %s", said, got, want)
			}
			if looked := slices.Contains(merged.Checks, checks.VantageCheck); looked != (len(said)-count(said, blind) > 1) {
				t.Errorf("%v: that the looks were compared is %v", said, looked)
			}
		}
	}
}

// corroborated is the table of section 3.2.2.9: with 2 to 5 perspectives one may
// not corroborate, with 6 or more two.
func corroborated(said []int) checks.Code {
	could, not := len(said)-count(said, blind), count(said, fails)
	tolerated := map[int]int{0: 0, 1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2, 7: 2}[could]
	if could == 0 {
		return checks.Unknown
	}
	if not > tolerated {
		return checks.WebTimeout
	}
	if not > 0 {
		return checks.WebBlocked
	}
	return checks.OK
}

func count(said []int, how int) int {
	n := 0
	for _, s := range said {
		if s == how {
			n++
		}
	}
	return n
}

// TestOneAloneStaysAsItIs keeps the path without a fleet.
func TestOneAloneStaysAsItIs(t *testing.T) {
	for how := range outcomes {
		p := probed(how)
		p.Findings = append(p.Findings, checks.Finding{Check: "cert", Code: checks.CertName})
		merged := letsEncrypt(t).Merge(&shop, []quorum.Look{{Probe: p}}, checks.Probe{})
		if fmt.Sprint(merged) != fmt.Sprint(p) {
			t.Errorf("%v became %v", p, merged)
		}
	}
}

// TestWhatDoesNotCount: a vantage point without a network of its own, with a
// wrong clock, or that says nothing makes nothing broken and nothing fine.
func TestWhatDoesNotCount(t *testing.T) {
	rule := letsEncrypt(t)
	for _, why := range []checks.Blind{checks.BlindCanary, checks.BlindClock, checks.BlindSilent, checks.BlindSplit} {
		for how := range outcomes {
			looks := []quorum.Look{{From: place(0), Probe: probed(fine)}, {From: place(1), Probe: probed(fine)}, {From: place(2), Probe: probed(how), Blind: why}}
			if got := rule.Merge(&shop, looks, checks.Probe{}); got.Verdict().Code != checks.OK || got.Sights[2].Blind != why {
				t.Errorf("%s: %s, %v", why, got.Verdict().Code, got.Sights)
			}
			looks[0].Blind, looks[1].Blind = why, why
			if got := rule.Merge(&shop, looks, checks.Probe{}).Verdict().Code; got != checks.Unknown {
				t.Errorf("nobody could look because of %s: %s", why, got)
			}
		}
	}
}

// TestRounds: a part that moves from one round to the next is a site that comes
// and goes, not a network that is kept out.
func TestRounds(t *testing.T) {
	rule := letsEncrypt(t)
	round := func(before checks.Probe, said ...int) checks.Probe {
		var looks []quorum.Look
		for i, how := range said {
			looks = append(looks, quorum.Look{From: place(i), Probe: probed(how)})
		}
		return rule.Merge(&shop, looks, before)
	}
	first := round(checks.Probe{}, fine, fine, fails)
	for _, c := range []struct {
		said []int
		want checks.Code
	}{
		{[]int{fine, fine, fails}, checks.WebBlocked},
		{[]int{fine, fails, fine}, checks.WebFlapping},
		{[]int{fails, fine, blind}, checks.WebBlocked}, // whether the third gets through now was not seen
		{[]int{fine, fine, fine}, checks.OK},
		{[]int{fails, fails, fine}, checks.WebTimeout}, // the CA would fail
	} {
		if got := round(first, c.said...).Verdict().Code; got != c.want {
			t.Errorf("after [fine fine fails], %v: %s, want %s", c.said, got, c.want)
		}
	}
	alone := round(first, fine, blind, blind)
	if again := round(alone, fine, blind, blind); len(again.Failures) != 1 {
		t.Errorf("the second look alone closes it: %v", again.Failures)
	}
	if left := alone; slices.Contains(left.Checks, checks.VantageCheck) || len(left.Failures) != 1 || !left.Failures[0].Seen {
		t.Errorf("one look alone closes what the comparison found: %v %v", left.Checks, left.Failures)
	}
}

// TestEvidence: a verdict says who saw what.
func TestEvidence(t *testing.T) {
	rule := letsEncrypt(t)
	looks := []quorum.Look{{From: place(0), Probe: probed(fine)}, {From: place(1), Probe: probed(fails)}, {From: place(2), Probe: probed(fine)}, {From: place(3), Blind: checks.BlindClock}}
	f := rule.Merge(&shop, looks, checks.Probe{}).Verdict().Finding
	want := "[v0 (AS64500, de) v2 (AS64502, us)] [v1 (AS64501, ru)] [v3 (AS64503, sg)]"
	if got := fmt.Sprint(f.Args[quorum.ReachedArg], f.Args[quorum.MissedArg], f.Args[quorum.AbsentArg]); f.Code != checks.WebBlocked || f.Site != "shop.ru" || got != want {
		t.Errorf("%s of %q: %s, want %s", f.Code, f.Site, got, want)
	}
	looks[0].Probe = probed(fails)
	f = rule.Merge(&shop, looks, checks.Probe{}).Verdict().Finding
	if got := fmt.Sprint(f.Args[quorum.ReachedArg], f.Args["port"]); f.Code != checks.WebTimeout || got != "[v2 (AS64502, us)] 80" {
		t.Errorf("%s: %s", f.Code, got)
	}
	if _, added := looks[0].Probe.Findings[0].Args[quorum.ReachedArg]; added {
		t.Error("the look itself was changed")
	}
}

// TestOtherChecks: what is not of the names and the way to them is taken from the
// first that looked, and a registry's answer is no cause where others get
// through.
func TestOtherChecks(t *testing.T) {
	rule := letsEncrypt(t)
	home, away, third := probed(fine), probed(fine), probed(fine)
	home.Checks = append(home.Checks, "access log")
	home.Failures = []checks.Failure{{Check: checks.NamesCheck, Err: "timeout"}}
	home.Findings = []checks.Finding{{Check: "access log", Code: checks.WebFlapping, Severity: checks.Warning}, {Check: "registry", Code: checks.DNSUnregistered, Severity: checks.Warning}}
	home.Checks = append(home.Checks, "registry")
	away.Checks = append(away.Checks, "served")
	away.Findings = []checks.Finding{{Check: "served", Code: checks.CertName, Severity: checks.Warning}}
	third.Checks = append(third.Checks, "served")
	merged := rule.Merge(&shop, []quorum.Look{{From: place(0), Probe: home}, {From: place(1), Probe: away}, {From: place(2), Probe: third}}, checks.Probe{})
	var codes []checks.Code
	for _, f := range merged.Findings {
		codes = append(codes, f.Code)
	}
	if want := []checks.Code{checks.WebFlapping, checks.CertName}; !slices.Equal(codes, want) {
		t.Errorf("findings %v, want %v", codes, want)
	}
}

// TestAliases: each name has its own verdict.
func TestAliases(t *testing.T) {
	rule := letsEncrypt(t)
	dropped := probed(fine)
	dropped.Findings = []checks.Finding{{Check: checks.NamesCheck, Server: "isp1", Site: "shop.ru", Name: "www.shop.ru", Code: checks.DNSServFail, Severity: checks.Warning}}
	merged := rule.Merge(&shop, []quorum.Look{{From: place(0), Probe: probed(fine)}, {From: place(1), Probe: dropped}, {From: place(2), Probe: probed(fine)}}, checks.Probe{})
	f := merged.Verdict().Finding
	if f.Name != "www.shop.ru" || f.Code != checks.WebBlocked || f.Args[quorum.NamesArg] != true || f.Who() != checks.Customer {
		t.Errorf("%s of %q, %v", f.Code, f.Name, f.Args)
	}
	if merged.Sights[1].Code != checks.OK {
		t.Errorf("of the own name: %v", merged.Sights)
	}
}

// TestTolerated: that one of three does not reach the site's own name is no cause
// beside an alias that fails everywhere: the CA would fail at that.
func TestTolerated(t *testing.T) {
	rule := letsEncrypt(t)
	for _, code := range []checks.Code{checks.DNSNXDomain, checks.WebTimeout} {
		broken := checks.Finding{Check: checks.WayCheck, Server: "isp1", Site: "shop.ru", Name: "www.shop.ru", Code: code, Severity: checks.Warning}
		near, far := probed(fine), probed(fails)
		near.Findings, far.Findings = []checks.Finding{broken}, append(far.Findings, broken)
		f := rule.Merge(&shop, []quorum.Look{{From: place(0), Probe: near}, {From: place(1), Probe: near}, {From: place(2), Probe: far}}, checks.Probe{}).Verdict().Finding
		if f.Code != code || f.Name != "www.shop.ru" {
			t.Errorf("%s of %q, want %s of the alias", f.Code, f.Name, code)
		}
	}
}

// TestPlacedFile: only who had a file placed knows that the site does not serve it. That
// is not a place that is kept out, nor one that disagrees with all others.
func TestPlacedFile(t *testing.T) {
	rule := letsEncrypt(t)
	for _, c := range []struct {
		code   checks.Code
		placed bool
		want   checks.Code
	}{
		{checks.WebNotFound, true, checks.WebNotFound},
		{checks.WebBody, true, checks.WebBody},
		{checks.WebBody, false, checks.WebBlocked}, // another page than the others got
		{checks.WebForbidden, true, checks.WebBlocked},
	} {
		home := probed(fine)
		home.Findings = []checks.Finding{{Check: checks.WayCheck, Server: "isp1", Site: "shop.ru", Code: c.code, Severity: checks.Warning, Args: checks.Args{"placed": c.placed}}}
		for _, fourth := range []int{fine, blind, fails} {
			looks := []quorum.Look{{From: place(0), Probe: home}, {From: place(1), Probe: probed(fine)}, {From: place(2), Probe: probed(fine)}, {From: place(3), Probe: probed(fourth)}}
			if fourth == fails && c.want == checks.WebBlocked {
				continue // two of four are more than may miss
			}
			slices.Reverse(looks) // who placed it does not have to be the first
			if got := rule.Merge(&shop, looks, checks.Probe{}).Verdict().Code; got != c.want {
				t.Errorf("%s, placed %v, and a fourth that ends with %d: %s, want %s", c.code, c.placed, fourth, got, c.want)
			}
			round := &quorum.Round{}
			for range 100 {
				round.Add(quorum.Sights(looks[1:], ""))
			}
			if odd := len(round.Odd()) > 0; odd == (c.want == c.code) {
				t.Errorf("%s, placed %v: that the bot's place is odd is %v", c.code, c.placed, odd)
			}
		}
	}
}

// TestOdd: a vantage point that disagrees with all others about more than a tenth
// of the names is the finding itself.
func TestOdd(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []int // how often each of these happens
		said  [][]int
		odd   string
	}{
		{"all agree", []int{100}, [][]int{{fine, fine, fine}}, "[]"},
		{"a tenth", []int{90, 10}, [][]int{{fine, fine, fine}, {fine, fine, fails}}, "[]"},
		{"more than a tenth", []int{89, 11}, [][]int{{fine, fine, fine}, {fine, fine, fails}}, "[v2 11/100]"},
		{"it alone gets through", []int{100}, [][]int{{fine, fails, fails}}, "[v0 100/100]"},
		{"two are kept out alike", []int{100}, [][]int{{fine, fine, fails, fails}}, "[]"},
		{"of two, the one that fails", []int{30, 30}, [][]int{{fine, fine}, {fine, fails}}, "[v1 30/60]"},
		{"few names", []int{19}, [][]int{{fine, fine, fails}}, "[]"},
		{"it could seldom look", []int{81, 19}, [][]int{{fine, fine, blind}, {fine, fine, fails}}, "[]"},
		{"all of them, each about others", []int{20, 20, 20}, [][]int{{fine, fine, fails}, {fine, fails, fine}, {fails, fine, fine}}, "[]"},
	} {
		round := &quorum.Round{}
		for i, often := range c.names {
			for range often {
				var looks []quorum.Look
				for n, how := range c.said[i] {
					looks = append(looks, quorum.Look{From: place(n), Probe: probed(how)})
				}
				round.Add(quorum.Sights(looks, ""))
			}
		}
		said := []string{}
		for _, o := range round.Odd() {
			said = append(said, fmt.Sprintf("%s %d/%d", o.From.Name, o.Alone, o.Names))
		}
		if fmt.Sprint(said) != c.odd {
			t.Errorf("%s: %v, want %s", c.name, said, c.odd)
		}
	}
}

// Names that were fine at one place alone do not say how others see them.
func TestComparedNeedsTwoPlaces(t *testing.T) {
	round := &quorum.Round{}
	for n, want := range []struct {
		from     string
		compared bool
	}{{"home", false}, {"fra1", true}} {
		for range 20 {
			round.Fine(checks.Vantage{Name: want.from})
		}
		if got := round.Compared(); got != want.compared {
			t.Errorf("with %d places: %v", n+1, got)
		}
	}
	if odd := round.Odd(); odd != nil {
		t.Errorf("odd: %v", odd)
	}
}
