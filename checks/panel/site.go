package panel

import (
	"context"
	"maps"
	"sync"
	"time"

	"domovoy/checks"
)

// Names of the checks in outcomes and failures.
const (
	SiteCheck    = "site"
	IssuingCheck = "issuing"
)

// silent is how long after the last failure nobody counts as trying any more.
// Until then a failure describes the present as long as nothing succeeded
// since: a panel gives up after a few attempts, and the cause does not go away
// by waiting. Certificates are renewed a month before they end, so that after a
// month their own dates say what is wrong.
const silent = 30 * 24 * time.Hour

// backdated is how long before its issuing a certificate's validity begins
// (Let's Encrypt: an hour).
const backdated = time.Hour

// Shortly is the longest time from the first failure to the success for a
// problem that counts as passed by itself. Longer ones were usually solved by a
// person.
const Shortly = 72 * time.Hour

// Fresh is how long after the success a problem that passed by itself is
// reported.
const Fresh = 7 * 24 * time.Hour

// Flags finds sites that are served without TLS or without http→https.
func Flags() checks.Check {
	return checks.Check{
		Name:  SiteCheck,
		Scope: checks.ScopeSite,
		Codes: []checks.Code{checks.PanelNoCertificate, checks.PanelNoRedirect},
		Needs: checks.Needs{Panel: []checks.Missing{{Table: tableSites}, {Table: tableSites, Column: "active"}, {Table: tableSites, Column: "secure"}, {Table: tableSites, Column: "redirect_http"}}},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			var found []checks.Finding
			if t.Site.Active != checks.On {
				return nil, nil
			}
			if t.Site.Secure == checks.Off {
				found = append(found, finding(checks.PanelNoCertificate, nil))
			}
			if t.Site.Redirect == checks.Off {
				found = append(found, finding(checks.PanelNoRedirect, nil))
			}
			return found, nil
		},
	}
}

// Issuing finds the cause of the last failure, as long as nothing succeeded
// since or the panel still counts the certificate as failed, and failures that
// passed by themselves. A text that the classifier does not know is reported as Unknown,
// with the text as the detail.
func Issuing(classifier Classifier, places Places) checks.Check {
	return checks.Check{
		Name:  IssuingCheck,
		Scope: checks.ScopeSite,
		Codes: issuingCodes(),
		Needs: checks.Needs{Panel: []checks.Missing{{Table: tableSites}, {Table: tableLog}, {Table: tableLog, Column: "certname"}, {Table: tableLog, Column: "status"}, {Table: tableLog, Column: "date"}}},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			if t.History != nil && t.History.Last.Outcome == checks.OutcomeIssued {
				return append(unlogged(t.Certificate), passed(*t.History, classifier, t.Now)...), nil
			}
			if t.History == nil || t.History.Last.Outcome != checks.OutcomeFailed {
				return unlogged(t.Certificate), nil
			}
			last := t.History.Last
			givenUp := stuck(t.Certificate) || stuck(t.Order)
			if !givenUp && (t.Now.Sub(last.Time) > silent || replaced(t.File, last.Time)) {
				return nil, nil
			}
			code, args := classifier.Classify(last.Text)
			if code == "" {
				code, args = checks.Unknown, checks.Args{}
			}
			again(args, last.Time, t.Now)
			if t.Site != nil {
				places.attribute(code, args, t.Site)
			}
			args["failures"], args["last"], args[StuckArg] = t.History.Failures, last.Time, givenUp
			f := finding(code, args)
			f.Detail = checks.WithoutSecrets(last.Text)
			return []checks.Finding{f}, nil
		},
	}
}

// unlogged finds a certificate that the panel gave up though its log has no
// failed attempt since the last success: it is not in order, and why is not known.
func unlogged(c *checks.Certificate) []checks.Finding {
	if c == nil || c.Failed != checks.On {
		return nil
	}
	return []checks.Finding{finding(checks.Unknown, checks.Args{"unlogged": true, StuckArg: true})}
}

// passed finds failures that a success ended shortly after they began. Whether
// a person intervened is not known; within days that is rare.
func passed(h checks.History, classifier Classifier, now time.Time) []checks.Finding {
	r := h.Recovered
	if r == nil || r.Failures == 0 || r.First.IsZero() || h.Issued.Sub(r.First) > Shortly || now.Sub(h.Issued) > Fresh {
		return nil
	}
	code, _ := classifier.Classify(r.Text)
	if code == "" {
		code = checks.Unknown
	}
	f := finding(checks.CAFlaky, checks.Args{"failures": r.Failures, "code": string(code), "since": r.First, "issued": h.Issued})
	f.Detail = checks.WithoutSecrets(r.Text)
	return []checks.Finding{f}
}

// again sets the argument "over" if the time from which the CA accepts orders
// has passed. Seconds of a Retry-After header count from its answer.
func again(args checks.Args, answered, now time.Time) {
	if wait, ok := args["wait"].(int); ok && !answered.IsZero() {
		delete(args, "wait")
		args["until"] = answered.Add(time.Duration(wait) * time.Second)
	}
	if until, ok := args["until"].(time.Time); ok && until.Before(now) {
		args["over"] = true
	}
}

// replaced reports whether a certificate was issued after a failure, by whatever
// means. A self-signed one only stands in for it.
func replaced(f *checks.CertificateFile, failed time.Time) bool {
	return f != nil && !f.SelfSigned && f.NotBefore.Add(backdated).After(failed)
}

// StuckArg is the argument of a failure's finding that says that the panel
// itself still counts the order as in progress or given up.
const StuckArg = "stuck"

// stuck reports whether the panel still counts the order as in progress or
// given up, so that its last failure describes the present however old it is.
func stuck(c *checks.Certificate) bool {
	return c != nil && (c.Failed == checks.On || c.Processing == checks.On)
}

// issuingCodes are the codes that can result from a log text.
func issuingCodes() []checks.Code {
	return []checks.Code{
		checks.CAUnauthorized, checks.CAConnection, checks.CADNS, checks.CACAA, checks.CATLS, checks.CARemote,
		checks.CARateLimited, checks.CAPaused, checks.CABlocked, checks.CARejected, checks.CAInternal,
		checks.CAUnreachable, checks.CAClient, checks.CAFlaky, checks.Unknown,
		checks.CertKeyMismatch, checks.CertMissing, checks.CertNotInstalled, // web servers' texts
	}
}

func finding(code checks.Code, args checks.Args) checks.Finding {
	return checks.Finding{Code: code, Severity: code.Severity(), Args: args}
}

// Classifier returns the code of an error text with its arguments, or "" for a
// text that it does not know.
type Classifier interface {
	Classify(text string) (checks.Code, checks.Args)
}

// rememberAtMost limits the cached texts, in bytes: ten thousand certificates
// may be failing, each with a text of 200 bytes of its own.
const rememberAtMost = 4 << 20

// Remember returns a classifier that keeps its results by text: the same last
// message of the CA is classified every minute for as long as a certificate
// fails. It is safe for concurrent use if the given one is.
func Remember(classifier Classifier) Classifier {
	return &remembering{classifier: classifier, known: map[string]classified{}}
}

type remembering struct {
	classifier Classifier
	mu         sync.Mutex
	known      map[string]classified // by text; guarded by mu
	size       int                   // bytes of these texts; guarded by mu
}

type classified struct {
	code checks.Code
	args checks.Args
}

// Classify returns arguments that belong to the caller.
func (r *remembering) Classify(text string) (checks.Code, checks.Args) {
	r.mu.Lock()
	c, ok := r.known[text]
	r.mu.Unlock()
	if !ok {
		c.code, c.args = r.classifier.Classify(text)
		r.keep(text, c)
	}
	return c.code, maps.Clone(c.args)
}

// keep empties the cache when it is full: texts still in use are added again.
func (r *remembering) keep(text string, c classified) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.size += len(text); r.size > rememberAtMost {
		clear(r.known)
		r.size = len(text)
	}
	r.known[text] = c
}
