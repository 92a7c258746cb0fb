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

// Rules say when a certificate is overdue.
type Rules struct {
	LifeLeft float64       // overdue when this share of its lifetime, or less, is left; see late
	Every    time.Duration // interval between two sweeps of all sites; 0: they do not limit anything
	// Lifetime returns the lifetime of certificates issued at a time, as far as
	// known of the panel's CA; nil, or a result of 0: not known.
	Lifetime func(issued time.Time) time.Duration
}

// lifetime returns the lifetime of a certificate whose file is not read.
func (r Rules) lifetime(issued time.Time) time.Duration {
	if r.Lifetime != nil {
		if life := r.Lifetime(issued); life > 0 {
			return life
		}
	}
	return lifetime(issued)
}

// Limits of the time in which somebody must still be able to act.
const (
	weekend   = 3 * 24 * time.Hour // from Friday evening to Monday evening
	sweeps    = 4                  // sweeps that must still see a certificate before its end
	reference = 90 * 24 * time.Hour
)

// late returns the remaining time from which a certificate of that lifetime is
// overdue, in whole seconds: dates are no more precise, and a share such as
// 7/90 is not exact in binary.
//
// The share alone would leave three and a half days of 45, and half a day of
// 160 hours. People need as much time for a short certificate as for one of
// ninety days, and many clients count in days too. So the limit is also what
// the share is of ninety days, but at most a sixth of the lifetime: clients
// renew when a third is left, and half of that third must have gone by. And it
// is never less than the floor.
//
// Certificates of less than ten days are renewed when half of the lifetime is
// left (RFC 9773 windows of Let's Encrypt), so that no floor may be above half.
func (r Rules) late(lifetime time.Duration) time.Duration {
	share := func(of time.Duration) time.Duration {
		return time.Duration(r.LifeLeft * float64(of)).Round(time.Second)
	}
	days := min(share(reference), lifetime/6)
	return max(share(lifetime), min(max(days, r.floor()), lifetime/2))
}

// expiring returns the remaining time from which a certificate is about to
// expire, whatever its lifetime.
func (r Rules) expiring(lifetime time.Duration) time.Duration {
	return min(r.floor(), lifetime/2)
}

// floor is the least time between a warning and the end of a certificate: a
// weekend, and four sweeps.
func (r Rules) floor() time.Duration { return max(weekend, sweeps*r.Every) }

// ByFile judges the certificate of a site by the dates in its file. It is for
// panels whose certificate files are read.
func ByFile(rules Rules, read bool) checks.Check {
	c := checks.Check{
		Name:  FileCheck,
		Scope: checks.ScopeSite,
		Codes: []checks.Code{checks.CertMissing, checks.CertUntrusted, checks.CertNotYet, checks.CertExpired, checks.CertOverdue, checks.CertExpiring},
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

// ByRow judges by the start of the last issuing, for certificates without a
// readable file. Rows whose issuing is in progress or has been given up are
// left to the check of issuing.
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

// served lowers the severity for a certificate that visitors do not get: that
// of a site without TLS.
func served(s checks.Subject, found []checks.Finding) []checks.Finding {
	if s.Site.Secure == checks.Off {
		for i := range found {
			found[i].Severity = checks.Info
		}
	}
	return found
}

// byFile judges the dates of the file. Those of a self-signed certificate are
// ignored: it is only a placeholder until the CA issues one.
func byFile(f checks.CertificateFile, rules Rules, now time.Time) []checks.Finding {
	if f.SelfSigned {
		return []checks.Finding{finding(checks.CertUntrusted, checks.Args{"issuer": f.Issuer})}
	}
	var found []checks.Finding
	if c := f.Chain; c.Distrust != "" {
		u := untrusted(Distrust(c.Distrust), gap{c.Missing, c.Signer})
		u.Args["issuer"], u.Args["until"] = f.Issuer, f.NotAfter
		found = append(found, u)
	}
	left := f.NotAfter.Sub(now)
	switch {
	case f.NotBefore.After(now):
		found = append(found, finding(checks.CertNotYet, checks.Args{"at": f.NotBefore}))
	case left <= 0:
		found = append(found, finding(checks.CertExpired, checks.Args{"at": f.NotAfter}))
	case left <= rules.expiring(f.Lifetime()):
		found = append(found, finding(checks.CertExpiring, checks.Args{"at": f.NotAfter}))
	}
	if left <= rules.late(f.Lifetime()) {
		found = append(found, finding(checks.CertOverdue, checks.Args{"at": f.NotAfter}))
	}
	return found
}

// byRow judges by the panel's database alone: the last issuing began so long
// ago that its certificate must be near its end.
func byRow(c *checks.Certificate, rules Rules, now time.Time) []checks.Finding {
	if c == nil || !RowOverdue(*c, rules, now) {
		return nil
	}
	return []checks.Finding{finding(checks.CertOverdue, checks.Args{"at": c.Started.Add(rules.lifetime(c.Started))})}
}

// RowOverdue judges a panel's row without a certificate file.
func RowOverdue(c checks.Certificate, rules Rules, now time.Time) bool {
	if c.Processing != checks.Off || c.Failed != checks.Off || c.Started.IsZero() {
		return false
	}
	life := rules.lifetime(c.Started)
	return now.Sub(c.Started) >= life-rules.late(life)
}

// lifetime returns the lifetime of a certificate of an unknown CA: that of
// Let's Encrypt's default profile on the day of issuing
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
