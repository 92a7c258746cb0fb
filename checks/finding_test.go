package checks

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func found(codes ...Code) []Finding {
	var findings []Finding
	for _, c := range codes {
		findings = append(findings, Finding{Site: "a.ru", Code: c, Severity: c.Severity()})
	}
	return findings
}

func TestJudge(t *testing.T) {
	failed := []Failure{{Check: "certificate", Site: "a.ru"}}
	for _, tt := range []struct {
		name     string
		findings []Finding
		failures []Failure
		want     Code
	}{
		{"nothing found, nothing failed", nil, nil, OK},
		{"nothing found, and not everything looked at", nil, failed, Unknown},
		{"a finding outweighs what could not be looked at", found(CADNS), failed, CADNS},
		{"the cause hides its symptoms", found(PanelNoCertificate, CertExpiring, CertExpired, CertOverdue, CADNS), nil, CADNS},
		{"the account hides the CA's words on the name", found(CADNS, CARateLimited, CAPaused), nil, CAPaused},
		{"a certificate gone hides that it is late", found(CertOverdue, CertMissing), nil, CertMissing},
		{"the worst of the symptoms", found(CertExpiring, CertOverdue, CertExpired), nil, CertExpired},
		{"an unknown error", found(Unknown), nil, Unknown},
		{"an unknown error is less than a late certificate", found(Unknown, CertOverdue), nil, CertOverdue},
		{"counts are no site's cause", found(PanelFailed, PanelNoRedirect), nil, OK},
		{"counts beside a cause", found(PanelNoRedirect, CertOverdue), nil, CertOverdue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Judge(tt.findings, tt.failures)
			if got.Code != tt.want {
				t.Fatalf("%s, want %s", got.Code, tt.want)
			}
			if hasFinding := got.Finding.Code != ""; hasFinding && got.Finding.Code != tt.want {
				t.Errorf("the verdict %s rests on %s", got.Code, got.Finding.Code)
			}
		})
	}
}

// The verdict does not depend on the order in which checks ran, and a cause
// always comes before its symptoms.
func TestJudgeOrder(t *testing.T) {
	order := Codes()
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		a, b := order[r.IntN(len(order))], order[r.IntN(len(order))]
		x, y := Judge(found(a, b), nil), Judge(found(b, a), nil)
		if diff := cmp.Diff(x, y); diff != "" {
			t.Fatalf("%s and %s, in either order:\n%s", a, b, diff)
		}
	}
}

func TestVerdictKeepsTheFindingsSeverity(t *testing.T) {
	off := found(CertExpired)
	off[0].Severity = Info // the site is switched off
	if got := Judge(off, nil); got.Severity != Info {
		t.Errorf("%v, want info", got.Severity)
	}
}

func TestLookedAt(t *testing.T) {
	f := Finding{Check: "certificate", Server: "isp1", Site: "a.ru", Code: CertExpired}
	run := func(change func(*Outcome)) Outcome {
		o := Outcome{Server: "isp1", Checks: []string{"site", "certificate"}}
		change(&o)
		return o
	}
	fail := func(check, site string) func(*Outcome) {
		return func(o *Outcome) {
			o.Failures = []Failure{{Check: check, Server: "isp1", Site: site}}
		}
	}
	for _, tt := range []struct {
		name   string
		run    Outcome
		looked bool
	}{
		{"it ran", run(func(*Outcome) {}), true},
		{"on another server", run(func(o *Outcome) { o.Server = "isp2" }), false},
		{"without this check", run(func(o *Outcome) { o.Checks = []string{"site"} }), false},
		{"without any check", Outcome{Server: "isp1"}, false},
		{"this check failed on this site", run(fail("certificate", "a.ru")), false},
		{"this check failed as a whole", run(fail("certificate", "")), false},
		{"it failed on another site", run(fail("certificate", "b.ru")), true},
		{"another check failed on this site", run(fail("site", "a.ru")), true},
	} {
		if got := tt.run.LookedAt(f); got != tt.looked {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.looked)
		}
	}
}

func TestSeverity(t *testing.T) {
	for _, s := range []Severity{Healthy, Info, Warning, Critical} {
		text, _ := s.MarshalText()
		var back Severity
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%d writes %q, which reads %d, %v", s, text, back, err)
		}
	}
	var s Severity
	if err := s.UnmarshalText([]byte("bad")); err == nil {
		t.Error("an unknown severity was read")
	}
	if got := Severity(9).String(); got != "severity(9)" {
		t.Error(got)
	}
}

// Every code is listed once, and an unlisted one must stay visible.
func TestCodes(t *testing.T) {
	seen := map[Code]bool{}
	for _, c := range Codes() {
		if seen[c] {
			t.Errorf("%s is listed twice", c)
		}
		seen[c] = true
	}
	if c := Code("new.code"); c.Severity() != Warning || c.Who() != Us {
		t.Errorf("an unlisted code is %v, for %s", c.Severity(), c.Who())
	}
}

func TestSortFindings(t *testing.T) {
	findings := []Finding{
		{Site: "b.ru", Code: CertOverdue, Severity: Warning}, {Site: "a.ru", Code: CertOverdue, Severity: Warning},
		{Site: "z.ru", Code: CertExpired, Severity: Critical}, {Site: "a.ru", Code: CADNS, Severity: Warning},
	}
	SortFindings(findings)
	var got []string
	for _, f := range findings {
		got = append(got, f.Site+" "+string(f.Code))
	}
	if diff := cmp.Diff([]string{"z.ru cert.expired", "a.ru ca.dns", "a.ru cert.overdue", "b.ru cert.overdue"}, got); diff != "" {
		t.Error(diff)
	}
}

// Who acts is decided by what is known, and by the code where nothing more is.
func TestWhoActs(t *testing.T) {
	for _, c := range []struct {
		args Args
		want Who
	}{
		{nil, DNSElsewhere.Who()},
		{Args{WhoArg: "us"}, Us},
		{Args{WhoArg: "nobody"}, Nobody},
		{Args{WhoArg: "the neighbours"}, DNSElsewhere.Who()},
	} {
		f := Finding{Code: DNSElsewhere, Args: c.args}
		if got := f.Who(); got != c.want {
			t.Errorf("%v: %s, want %s", c.args, got, c.want)
		}
		if got := (Verdict{Code: f.Code, Finding: f}).Who(); got != c.want {
			t.Errorf("verdict with %v: %s, want %s", c.args, got, c.want)
		}
	}
	if got := (Verdict{Code: Unknown}).Who(); got != Unknown.Who() {
		t.Errorf("unknown: %s", got)
	}
}
