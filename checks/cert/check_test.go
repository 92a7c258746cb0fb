package cert

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// said runs both checks and returns the codes found: "overdue, expired".
func said(t *testing.T, s checks.Subject, now time.Time) (string, error) {
	t.Helper()
	if s.Site == nil {
		s.Site = &checks.Site{}
	}
	rules, target := Rules{LifeLeft: 7.0 / 90}, &checks.Target{Now: now, Subject: s}
	found, err := ByRow(rules).Run(t.Context(), target)
	if err != nil {
		t.Errorf("a row is there or not: %v", err)
	}
	byFile, err := ByFile(rules, true).Run(t.Context(), target)
	found = append(found, byFile...)
	var words []string
	for _, f := range found {
		if f.Severity != f.Code.Severity() {
			t.Errorf("%s is %v", f.Code, f.Severity)
		}
		words = append(words, strings.TrimPrefix(string(f.Code), "cert."))
	}
	return strings.Join(words, ", "), err
}

// By the file's dates, at each limit.
func TestByFile(t *testing.T) {
	for _, tt := range []struct {
		name string
		life time.Duration
		age  time.Duration
		want string
	}{
		{"new", 90 * day, 0, ""},
		{"not valid yet", 90 * day, -day, "notyet"},
		{"not valid yet for a second", 90 * day, -time.Second, "notyet"},
		{"a second before 83 of 90 days", 90 * day, 83*day - time.Second, ""},
		{"83 of 90 days", 90 * day, 83 * day, "overdue"},
		{"a second before the last three days", 90 * day, 87*day - time.Second, "overdue"},
		{"the last three days", 90 * day, 87 * day, "expiring, overdue"},
		{"the last second", 90 * day, 90*day - time.Second, "expiring, overdue"},
		{"the end", 90 * day, 90 * day, "expired, overdue"},
		{"long ago", 90 * day, 900 * day, "expired, overdue"},
		{"64 days: a week is late here too", 64 * day, 57*day - time.Second, ""},
		{"64 days: a week", 64 * day, 57 * day, "overdue"},
		{"64 days: the last three days", 64 * day, 61 * day, "expiring, overdue"},
		{"45 days: renewed in time", 45 * day, 30 * day, ""},
		{"45 days: a week is late here too", 45 * day, 38*day - time.Second, ""},
		{"45 days, six left", 45 * day, 39 * day, "overdue"},
		{"45 days: the last three days", 45 * day, 42 * day, "expiring, overdue"},
		{"160 hours: half is left, the time to renew", 160 * time.Hour, 80 * time.Hour, ""},
		{"160 hours: a second before the last three days", 160 * time.Hour, 88*time.Hour - time.Second, ""},
		{"160 hours: the last three days", 160 * time.Hour, 88 * time.Hour, "expiring, overdue"},
		{"a day: half is left", day, 12*time.Hour - time.Second, ""},
		{"a day: less than half is left", day, 12 * time.Hour, "expiring, overdue"},
		{"a year, bought: late a month before", 365 * day, 337 * day, "overdue"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := checks.CertificateFile{NotBefore: noon, NotAfter: noon.Add(tt.life)}
			got, err := said(t, checks.Subject{File: &f}, noon.Add(tt.age))
			if got != tt.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestSelfSigned(t *testing.T) {
	f := checks.CertificateFile{NotBefore: noon.Add(-400 * day), NotAfter: noon.Add(-35 * day), Issuer: "shop.ru", SelfSigned: true}
	if got, err := said(t, checks.Subject{File: &f}, noon); got != "untrusted" || err != nil {
		t.Errorf("%q, %v: the dates of what stands in for a certificate mean nothing", got, err)
	}
}

// Who acts on a chain in the panel's file depends on what is wrong with it.
func TestChainInFile(t *testing.T) {
	for _, tt := range []struct {
		chain checks.Chain
		want  checks.Who
	}{
		{checks.Chain{Distrust: "incomplete", Missing: "Root YR", Signer: "ISRG Root X1"}, checks.Us},
		{checks.Chain{Distrust: "national"}, checks.Customer},
	} {
		f := checks.CertificateFile{NotBefore: noon, NotAfter: noon.Add(90 * day), Issuer: "YR1", Chain: tt.chain}
		found, err := ByFile(Rules{LifeLeft: 7.0 / 90}, true).Run(t.Context(), &checks.Target{Now: noon, Subject: checks.Subject{Site: &checks.Site{}, File: &f}})
		if err != nil || len(found) != 1 || found[0].Code != checks.CertUntrusted || found[0].Who() != tt.want ||
			found[0].Args["reason"] != tt.chain.Distrust || found[0].Args["issuer"] != "YR1" {
			t.Errorf("%+v: %+v, %v", tt.chain, found, err)
		}
	}
}

// By the panel's row, if there is no file to read.
func TestByRow(t *testing.T) {
	row := func(age time.Duration, processing, failed checks.Flag) *checks.Certificate {
		return &checks.Certificate{Started: noon.Add(-age), Processing: processing, Failed: failed}
	}
	for _, tt := range []struct {
		name string
		row  *checks.Certificate
		want string
	}{
		{"a second before 83 days", row(83*day-time.Second, checks.Off, checks.Off), ""},
		{"83 days", row(83*day, checks.Off, checks.Off), "overdue"},
		{"being issued", row(83*day, checks.On, checks.Off), ""},
		{"given up", row(83*day, checks.Off, checks.On), ""},
		{"a flag that cannot be read is neither on nor off", row(83*day, checks.Off, checks.Unset), ""},
		{"nor this one", row(83*day, checks.Unset, checks.Off), ""},
		{"no date", &checks.Certificate{Processing: checks.Off, Failed: checks.Off}, ""},
		{"no row", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := said(t, checks.Subject{Certificate: tt.row}, noon); got != tt.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// Certificates get shorter: https://letsencrypt.org/2025/12/02/from-90-to-45.html.
func TestRowLifetime(t *testing.T) {
	for _, tt := range []struct {
		issued string
		days   int
	}{
		{"2026-11-21", 90}, {"2027-02-09", 90}, {"2027-02-10", 64}, {"2028-02-15", 64}, {"2028-02-16", 45}, {"2031-01-01", 45},
	} {
		started, err := time.Parse(time.DateOnly, tt.issued)
		if err != nil {
			t.Fatal(err)
		}
		life := time.Duration(tt.days) * day
		late := started.Add(life - 7*day) // for each of them: 7/90 of ninety days
		c := checks.Certificate{Started: started, Processing: checks.Off, Failed: checks.Off}
		before := RowOverdue(c, Rules{LifeLeft: 7.0 / 90}, late.Add(-2*time.Second))
		after := RowOverdue(c, Rules{LifeLeft: 7.0 / 90}, late.Add(2*time.Second))
		if before || !after {
			t.Errorf("issued %s: overdue around %s is %t, then %t", tt.issued, late, before, after)
		}
	}
}

// What is left when a certificate becomes overdue, for each lifetime that Let's
// Encrypt issues or will issue.
func TestFloors(t *testing.T) {
	for _, tt := range []struct {
		name           string
		rules          Rules
		life           time.Duration
		late, expiring time.Duration
	}{
		{"160 hours", Rules{LifeLeft: 7.0 / 90}, 160 * time.Hour, 3 * day, 3 * day},
		{"45 days", Rules{LifeLeft: 7.0 / 90}, 45 * day, 7 * day, 3 * day},
		{"64 days", Rules{LifeLeft: 7.0 / 90}, 64 * day, 7 * day, 3 * day},
		{"90 days", Rules{LifeLeft: 7.0 / 90}, 90 * day, 7 * day, 3 * day},
		{"90 days, and three are configured", Rules{LifeLeft: 3.0 / 90}, 90 * day, 3 * day, 3 * day},
		{"90 days, and one is configured", Rules{LifeLeft: 1.0 / 90}, 90 * day, 3 * day, 3 * day},
		{"45 days, and a fifth is configured", Rules{LifeLeft: 0.2}, 45 * day, 9 * day, 3 * day},
		{"45 days, and a learned third", Rules{LifeLeft: 1.0 / 3}, 45 * day, 15 * day, 3 * day},
		{"six-hourly sweeps change nothing", Rules{LifeLeft: 7.0 / 90, Every: 6 * time.Hour}, 45 * day, 7 * day, 3 * day},
		{"four sweeps, two days apart", Rules{LifeLeft: 7.0 / 90, Every: 2 * day}, 45 * day, 8 * day, 8 * day},
		{"half of 160 hours is the most", Rules{LifeLeft: 7.0 / 90, Every: 2 * day}, 160 * time.Hour, 80 * time.Hour, 80 * time.Hour},
		{"a year, bought", Rules{LifeLeft: 7.0 / 90}, 360 * day, 28 * day, 3 * day},
	} {
		if late, soon := tt.rules.late(tt.life), tt.rules.expiring(tt.life); late != tt.late || soon != tt.expiring {
			t.Errorf("%s: overdue with %s left and expiring with %s, want %s and %s", tt.name, late, soon, tt.late, tt.expiring)
		}
	}
}

// Visitors do not get the certificate of a site without TLS.
func TestNotServed(t *testing.T) {
	old := &checks.Certificate{Started: noon.Add(-84 * day), Processing: checks.Off, Failed: checks.Off}
	expired := &checks.CertificateFile{NotBefore: noon.Add(-91 * day), NotAfter: noon.Add(-day)}
	for name, s := range map[string]checks.Subject{
		"by file": {File: expired}, "by row": {Certificate: old}, "gone": {FileErr: fs.ErrNotExist},
	} {
		s.Site = &checks.Site{Secure: checks.Off}
		for _, check := range []checks.Check{ByRow(Rules{LifeLeft: 7.0 / 90}), ByFile(Rules{LifeLeft: 7.0 / 90}, true)} {
			found, err := check.Run(t.Context(), &checks.Target{Now: noon, Subject: s})
			for _, f := range found {
				if f.Severity != checks.Info || err != nil {
					t.Errorf("%s: %s is %v, %v", name, f.Code, f.Severity, err)
				}
			}
		}
	}
}

// A missing file is a finding; one that could not be read is not.
func TestWithoutFile(t *testing.T) {
	old := &checks.Certificate{Started: noon.Add(-84 * day), Processing: checks.Off, Failed: checks.Off}
	gone := fmt.Errorf("reading a certificate: %w", fs.ErrNotExist)
	denied := fmt.Errorf("reading a certificate: %w", fs.ErrPermission)
	for _, tt := range []struct {
		name   string
		s      checks.Subject
		want   string
		failed error
	}{
		{"gone", checks.Subject{FileErr: gone}, "missing", nil},
		{"gone, and late by its row", checks.Subject{FileErr: gone, Certificate: old}, "overdue, missing", nil},
		{"denied", checks.Subject{FileErr: denied}, "", fs.ErrPermission},
		{"denied, and late by its row", checks.Subject{FileErr: denied, Certificate: old}, "overdue", fs.ErrPermission},
		{"files are not read on this panel", checks.Subject{}, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := said(t, tt.s, noon)
			if got != tt.want || !errors.Is(err, tt.failed) {
				t.Errorf("%q, %v; want %q, %v", got, err, tt.want, tt.failed)
			}
		})
	}
}

// If the CA's lifetimes are known, rows without a file are judged by them.
func TestRowsGoByTheCAsLifetime(t *testing.T) {
	started := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	c := checks.Certificate{Started: started, Processing: checks.Off, Failed: checks.Off}
	week := func(time.Time) time.Duration { return 7 * 24 * time.Hour }
	nothing := func(time.Time) time.Duration { return 0 }
	for _, tt := range []struct {
		days     int
		lifetime func(time.Time) time.Duration
		want     bool
	}{{3, week, false}, {4, week, true}, {7, nothing, false}, {7, nil, false}, {90, nil, true}, {90, nothing, true}} {
		rules := Rules{LifeLeft: 0.01, Lifetime: tt.lifetime}
		if got := RowOverdue(c, rules, started.AddDate(0, 0, tt.days)); got != tt.want {
			t.Errorf("after %d days: %t", tt.days, got)
		}
	}
}
