package panel

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestFlags(t *testing.T) {
	on, off, unset := checks.On, checks.Off, checks.Unset
	for _, tt := range []struct {
		active, secure, redirect checks.Flag
		want                     string
	}{
		{on, on, on, ""}, {on, off, on, "panel.nocertificate"}, {on, on, off, "panel.noredirect"},
		{on, off, off, "panel.nocertificate panel.noredirect"}, {on, unset, unset, ""}, {off, off, off, ""}, {unset, off, off, ""},
	} {
		found, err := Flags().Run(t.Context(), &checks.Target{Subject: checks.Subject{Site: &checks.Site{Active: tt.active, Secure: tt.secure, Redirect: tt.redirect}}})
		var codes []string
		for _, f := range found {
			codes = append(codes, string(f.Code))
		}
		if got := strings.Join(codes, " "); got != tt.want || err != nil {
			t.Errorf("%v: %q, %v", tt, got, err)
		}
	}
}

// words is a classifier.
type words func(text string) (checks.Code, checks.Args)

func (w words) Classify(text string) (checks.Code, checks.Args) { return w(text) }

func issuing(t *testing.T, classify words, s checks.Subject) ([]checks.Finding, error) {
	return Issuing(classify, Places{}).Run(t.Context(), &checks.Target{Now: noon, Subject: s})
}

func TestIssuing(t *testing.T) {
	classify := func(text string) (checks.Code, checks.Args) {
		if text == "NXDOMAIN" {
			return checks.CADNS, checks.Args{"problem": text}
		}
		return "", nil
	}
	failed := func(age time.Duration, text string) *checks.History {
		return &checks.History{Failures: 3, Last: checks.LastTry{Outcome: checks.OutcomeFailed, Time: noon.Add(-age), Text: text}}
	}
	issued := failed(time.Hour, "NXDOMAIN")
	issued.Last.Outcome = checks.OutcomeIssued
	for _, tt := range []struct {
		name    string
		history *checks.History
		row     *checks.Certificate
		want    checks.Code
	}{
		{"no log", nil, nil, ""},
		{"failed lately", failed(time.Hour, "NXDOMAIN"), nil, checks.CADNS},
		{"words that no rule knows", failed(time.Hour, "?"), nil, checks.Unknown},
		{"issued since", issued, nil, ""},
		{"a week ago, and nothing succeeded since", failed(7*day, "NXDOMAIN"), nil, checks.CADNS},
		{"a month ago", failed(30*day, "NXDOMAIN"), nil, checks.CADNS},
		{"longer ago: nobody tries any more", failed(30*day+time.Second, "NXDOMAIN"), nil, ""},
		{"longer ago, and given up", failed(90*day, "NXDOMAIN"), &checks.Certificate{Failed: checks.On}, checks.CADNS},
		{"longer ago, and trying", failed(90*day, "NXDOMAIN"), &checks.Certificate{Processing: checks.On}, checks.CADNS},
		{"longer ago, and neither", failed(90*day, "NXDOMAIN"), &checks.Certificate{Processing: checks.Off}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := issuing(t, classify, checks.Subject{History: tt.history, Certificate: tt.row})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(found) > 0 {
					t.Errorf("%+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Code != tt.want || found[0].Detail != tt.history.Last.Text || found[0].Args["failures"] != 3 {
				t.Errorf("%+v, want %s", found, tt.want)
			}
		})
	}
}

// A certificate that the panel gave up is not in order, also if the log does not
// say why.
func TestGivenUpWithoutAWord(t *testing.T) {
	classify := func(string) (checks.Code, checks.Args) { return checks.CADNS, nil }
	issued := &checks.History{Last: checks.LastTry{Outcome: checks.OutcomeIssued, Time: noon.Add(-80 * day)}, Issued: noon.Add(-80 * day)}
	for _, tt := range []struct {
		name    string
		history *checks.History
		row     *checks.Certificate
		want    int
	}{
		{"given up, and no log", nil, &checks.Certificate{Failed: checks.On}, 1},
		{"given up, and issued at last", issued, &checks.Certificate{Failed: checks.On}, 1},
		{"being issued", nil, &checks.Certificate{Processing: checks.On, Failed: checks.Off}, 0},
		{"whether it was given up is not known", nil, &checks.Certificate{}, 0},
	} {
		found, err := issuing(t, classify, checks.Subject{History: tt.history, Certificate: tt.row})
		if err != nil || len(found) != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, found, err)
		}
		if len(found) > 0 && (found[0].Code != checks.Unknown || found[0].Args["unlogged"] != true) {
			t.Errorf("%s: %+v", tt.name, found)
		}
	}
}

// A certificate that was issued after the failures, by whatever means, ends
// them: the log need not say so.
func TestIssuedByOtherMeans(t *testing.T) {
	classify := func(string) (checks.Code, checks.Args) { return checks.CADNS, checks.Args{} }
	of := func(begins time.Duration, selfSigned bool) *checks.CertificateFile {
		from := noon.Add(-5 * day).Add(begins)
		return &checks.CertificateFile{NotBefore: from, NotAfter: from.Add(90 * day), SelfSigned: selfSigned}
	}
	for _, tt := range []struct {
		name string
		file *checks.CertificateFile
		row  *checks.Certificate
		want bool
	}{
		{"issued two months before the failure", of(-60*day, false), nil, true},
		{"issued a day after", of(day, false), nil, false},
		{"issued ten minutes after: validity begins an hour earlier", of(-50*time.Minute, false), nil, false},
		{"a stand-in a day after", of(day, true), nil, true},
		{"issued a day after, and the panel has given up", of(day, false), &checks.Certificate{Failed: checks.On}, true},
		{"no file is read", nil, nil, true},
	} {
		h := checks.History{Failures: 4, Last: checks.LastTry{Outcome: checks.OutcomeFailed, Time: noon.Add(-5 * day), Text: "NXDOMAIN"}}
		found, err := issuing(t, classify, checks.Subject{History: &h, File: tt.file, Certificate: tt.row})
		if err != nil || (len(found) == 1) != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, found, err)
		}
	}
}

// A short problem that passed by itself is reported for a week.
func TestFlaky(t *testing.T) {
	classify := func(text string) (checks.Code, checks.Args) {
		if text == "404" {
			return checks.CAUnauthorized, checks.Args{"status": 404}
		}
		return "", nil
	}
	for _, tt := range []struct {
		name    string
		issued  time.Duration // before now
		before  time.Duration // from the first failure to the success
		change  func(*checks.History)
		because checks.Code // empty: no finding
	}{
		{"failed, then issued", time.Hour, 20 * time.Minute, nil, checks.CAUnauthorized},
		{"with words that no rule knows", time.Hour, 20 * time.Minute, func(h *checks.History) { h.Recovered.Text = "?" }, checks.Unknown},
		{"for three days", time.Hour, 72 * time.Hour, nil, checks.CAUnauthorized},
		{"for longer: somebody ended it", time.Hour, 72*time.Hour + time.Second, nil, ""},
		{"a week ago", 7 * day, time.Hour, nil, checks.CAUnauthorized},
		{"longer ago", 7*day + time.Second, time.Hour, nil, ""},
		{"nothing failed", time.Hour, 0, func(h *checks.History) { h.Recovered = nil }, ""},
		{"the panel tries again", time.Hour, time.Hour, func(h *checks.History) { h.Last.Outcome = checks.OutcomeOther }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := noon.Add(-tt.issued)
			h := checks.History{Issued: at, Last: checks.LastTry{Outcome: checks.OutcomeIssued, Time: at},
				Recovered: &checks.Recovery{Failures: 2, First: at.Add(-tt.before), Last: at.Add(-time.Minute), Text: "404"}}
			if tt.change != nil {
				tt.change(&h)
			}
			found, err := issuing(t, classify, checks.Subject{History: &h})
			if err != nil || len(found) > 1 || (len(found) == 1) != (tt.because != "") {
				t.Fatalf("%+v, %v", found, err)
			}
			if len(found) == 0 {
				return
			}
			f := found[0]
			if f.Code != checks.CAFlaky || f.Severity != checks.Info || f.Detail != h.Recovered.Text || f.Args["code"] != string(tt.because) ||
				f.Args["failures"] != 2 || f.Args["since"] != h.Recovered.First || f.Args["issued"] != at {
				t.Errorf("%+v", f)
			}
		})
	}
}

// stale runs the check on a panel with the given number of certificates and
// time of the log's last line.
func stale(t *testing.T, certificates int, moved time.Time, err error) ([]checks.Finding, error) {
	check := Stale(func(_ context.Context, server string) (time.Time, error) {
		if server != "isp1" {
			t.Errorf("asked about %q", server)
		}
		return moved, err
	})
	s := checks.Snapshot{Server: "isp1", Certificates: make([]checks.Certificate, certificates)}
	return check.Run(t.Context(), &checks.Target{Server: "isp1", Now: noon, Reading: &checks.Reading{Snapshot: s}})
}

// The limit is two days plus five times the expected interval between two
// lines.
func TestStale(t *testing.T) {
	for _, tt := range []struct {
		name         string
		certificates int
		silent       time.Duration
		stale        bool
	}{
		{"a big panel writes all day", 3000, 2*day + 2*time.Hour, false},
		{"and two days and a half of silence are too much", 3000, 2*day + 12*time.Hour, true},
		{"a small one may be silent for weeks", 20, 17 * day, false},
		{"but not for longer", 20, 17*day + time.Second, true},
		{"one certificate", 1, 300 * day, false},
		{"no certificates", 0, 900 * day, false},
	} {
		if got, err := stale(t, tt.certificates, noon.Add(-tt.silent), nil); len(got) > 0 != tt.stale || err != nil {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	for skip, want := range map[checks.Flag]any{checks.Off: true, checks.On: nil, checks.Unset: nil} {
		target := &checks.Target{Now: noon, Reading: &checks.Reading{Snapshot: checks.Snapshot{Certificates: make([]checks.Certificate, 3000), Options: &checks.Options{SkipAccount: skip}}}}
		got, err := Stale(func(context.Context, string) (time.Time, error) { return noon.Add(-9 * day), nil }).Run(t.Context(), target)
		if err != nil || got[0].Args["counts"] != want {
			t.Errorf("AcmeSkipAccountCheck %v: %+v, %v", skip, got, err)
		}
	}
	if got, err := stale(t, 5, time.Time{}, nil); got != nil || err != nil {
		t.Errorf("a panel without a log cannot be judged: %+v, %v", got, err)
	}
	if got, err := stale(t, 5, noon.Add(-300*day), errors.New("disk full")); got != nil || err == nil {
		t.Errorf("nobody could tell when the log moved: %+v, %v", got, err)
	}
}

// Whether the CA accepts orders again is decided by the clock, and the link
// that unpauses the account is only in its argument.
func TestIssuingArguments(t *testing.T) {
	const link = "https://ca.example/sfe/v1/unpause?jwt=eyJhbGciOiJIUzI1NiJ9.c2VjcmV0LXBheWxvYWQ.c2lnbmVk"
	for _, tt := range []struct {
		name string
		says checks.Args
		want checks.Args
	}{
		{"a moment to come", checks.Args{"until": noon.Add(time.Hour)}, checks.Args{"until": noon.Add(time.Hour)}},
		{"a moment gone", checks.Args{"until": noon.Add(-time.Minute)}, checks.Args{"until": noon.Add(-time.Minute), "over": true}},
		{"seconds from the attempt on", checks.Args{"wait": 7200}, checks.Args{"until": noon.Add(time.Hour)}},
		{"seconds that are over", checks.Args{"wait": 60}, checks.Args{"until": noon.Add(-59 * time.Minute), "over": true}},
		{"a link", checks.Args{checks.Secret: link}, checks.Args{checks.Secret: link}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			classify := func(string) (checks.Code, checks.Args) { return checks.CARateLimited, tt.says }
			last := checks.LastTry{Outcome: checks.OutcomeFailed, Time: noon.Add(-time.Hour), Text: "Please visit: " + link}
			found, err := issuing(t, classify, checks.Subject{History: &checks.History{Failures: 1, Last: last}})
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			delete(found[0].Args, "failures")
			delete(found[0].Args, "last")
			delete(found[0].Args, StuckArg)
			if diff := cmp.Diff(tt.want, found[0].Args); diff != "" {
				t.Error(diff)
			}
			if found[0].Detail != "Please visit: https://ca.example/sfe/v1/unpause?jwt=…" {
				t.Errorf("detail %q", found[0].Detail)
			}
		})
	}
}
