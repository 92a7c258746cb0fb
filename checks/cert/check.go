package cert

import (
	"context"
	"time"

	"domovoy/checks"
)

// Names of the checks in outcomes and failures.
const (
	FileCheck   = "certificate"
	RowCheck    = "renewal"
	ServedCheck = "served"
	KeysCheck   = "keys"
	VhostsCheck = "vhosts"
)

// Rules say when a certificate is late.
type Rules struct {
	LifeLeft float64 // overdue at this share of life left, or less
	// Lifetime is how long a certificate issued at a moment is valid, by what is
	// known of the panel's CA; nil or 0: not known.
	Lifetime func(issued time.Time) time.Duration
}

// lifetime of a certificate whose file nobody reads.
func (r Rules) lifetime(issued time.Time) time.Duration {
	if r.Lifetime != nil {
		if life := r.Lifetime(issued); life > 0 {
			return life
		}
	}
	return lifetime(issued)
}

// late is the life left at which a certificate of that lifetime is overdue.
// Whole seconds, for dates have no finer grain and 7/90 is no binary number.
func (r Rules) late(lifetime time.Duration) time.Duration {
	return time.Duration(r.LifeLeft * float64(lifetime)).Round(time.Second)
}

// expiring is the life left at which a certificate is about to end: a
// twentieth, at most three days.
func expiring(lifetime time.Duration) time.Duration {
	return min(lifetime/20, 72*time.Hour)
}

// ByFile judges the certificate of a site by its file's own dates. It is for
// panels whose certificates are read.
func ByFile(rules Rules, read bool) checks.Check {
	c := checks.Check{
		Name:  FileCheck,
		Scope: checks.ScopeSite,
		Codes: []checks.Code{checks.CertMissing, checks.CertUntrusted, checks.CertExpired, checks.CertOverdue, checks.CertExpiring},
		Needs: checks.Needs{Panel: []checks.Missing{{Table: "webdomain"}, {Table: "webdomain", Column: "ssl_cert"}}},
	}
	if !read {
		return c
	}
	c.Run = func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
		switch {
		case t.File != nil:
			return served(t.Subject, byFile(*t.File, rules, t.Now)), nil
		case absent(t.FileErr):
			return served(t.Subject, []checks.Finding{finding(checks.CertMissing, checks.Args{"certificate": t.Site.Certificate})}), nil
		}
		return nil, t.FileErr
	}
	return c
}

// ByRow judges by the start of the last issuing, only where no file can be
// read. It leaves rows with something under way or given up to the check of
// issuing.
func ByRow(rules Rules) checks.Check {
	return checks.Check{
		Name:  RowCheck,
		Scope: checks.ScopeSite,
		Codes: []checks.Code{checks.CertOverdue},
		Needs: checks.Needs{Panel: []checks.Missing{{Table: "webdomain"}, {Table: "letsencrypt_ssl"}, {Table: "letsencrypt_ssl", Column: "time_started"}}},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			if t.File != nil {
				return nil, nil
			}
			return served(t.Subject, byRow(t.Certificate, rules, t.Now)), nil
		},
	}
}

// served makes light of what no visitor meets: the certificate of a site
// without TLS.
func served(s checks.Subject, found []checks.Finding) []checks.Finding {
	if s.Site.Secure == checks.Off {
		for i := range found {
			found[i].Severity = checks.Info
		}
	}
	return found
}

// byFile finds what the file's dates say. A self-signed certificate stands in
// until the CA's arrives: its dates mean nothing.
func byFile(f checks.CertificateFile, rules Rules, now time.Time) []checks.Finding {
	if f.SelfSigned {
		return []checks.Finding{finding(checks.CertUntrusted, checks.Args{"issuer": f.Issuer})}
	}
	var found []checks.Finding
	left := f.NotAfter.Sub(now)
	switch {
	case left <= 0:
		found = append(found, finding(checks.CertExpired, checks.Args{"at": f.NotAfter}))
	case left <= expiring(f.Lifetime()):
		found = append(found, finding(checks.CertExpiring, checks.Args{"at": f.NotAfter}))
	}
	if left <= rules.late(f.Lifetime()) {
		found = append(found, finding(checks.CertOverdue, checks.Args{"at": f.NotAfter}))
	}
	return found
}

// byRow is the article's way: the last issuing began so long ago that a
// certificate from it must be near its end.
func byRow(c *checks.Certificate, rules Rules, now time.Time) []checks.Finding {
	if c == nil || !RowOverdue(*c, rules, now) {
		return nil
	}
	return []checks.Finding{finding(checks.CertOverdue, checks.Args{"at": c.Started.Add(rules.lifetime(c.Started))})}
}

// RowOverdue judges a panel's row without a file.
func RowOverdue(c checks.Certificate, rules Rules, now time.Time) bool {
	if c.Processing != checks.Off || c.Failed != checks.Off || c.Started.IsZero() {
		return false
	}
	life := rules.lifetime(c.Started)
	return now.Sub(c.Started) >= life-rules.late(life)
}

// lifetime of a certificate at a CA of which nothing is known: that of Let's
// Encrypt's default profile, by the day it was issued
// (https://letsencrypt.org/2025/12/02/from-90-to-45.html).
func lifetime(issued time.Time) time.Duration {
	const day = 24 * time.Hour
	switch {
	case issued.Before(time.Date(2027, 2, 10, 0, 0, 0, 0, time.UTC)):
		return 90 * day
	case issued.Before(time.Date(2028, 2, 16, 0, 0, 0, 0, time.UTC)):
		return 64 * day
	}
	return 45 * day
}

func finding(code checks.Code, args checks.Args) checks.Finding {
	return checks.Finding{Code: code, Severity: code.Severity(), Args: args}
}
