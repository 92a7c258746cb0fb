// Package suite is the one list of checks.
package suite

import (
	"context"
	"fmt"

	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
)

// Checks lists every check of a site; files tells whether its certificates
// are read. A new check is one file and one line here.
func Checks(rules cert.Rules, classifier panel.Classifier, files bool) []checks.Check {
	list := []checks.Check{
		panel.Flags(),
		cert.ByRow(rules),
		panel.Issuing(classifier.Classify, rules.Now),
	}
	if files {
		list = append(list, cert.ByFile(rules))
	}
	return list
}

// Blind are the checks that cannot look at this panel, for it lacks what they
// need: that they found nothing means nothing.
func Blind(list []checks.Check, s checks.Snapshot) []checks.Failure {
	var failures []checks.Failure
	for _, c := range list {
		for _, m := range c.Needs {
			if s.Lacks(m.Table, m.Column) {
				failures = append(failures, checks.Failure{Check: c.Name, Server: s.Server, Err: panel.Missing + ": " + m.String()})
				break
			}
		}
	}
	return failures
}

// inspect runs every check on one subject.
func inspect(ctx context.Context, out *checks.Outcome, list []checks.Check, s checks.Subject) {
	for _, c := range list {
		found, err := guard(ctx, c, s)
		if err != nil {
			out.Failures = append(out.Failures, checks.Failure{Check: c.Name, Server: out.Server, Site: s.Site.Name, Err: err.Error()})
		}
		for _, f := range found {
			f.Check, f.Server, f.Site = c.Name, out.Server, s.Site.Name
			if s.Site.Active == checks.Off {
				// A site that is switched off troubles nobody.
				f.Severity = checks.Info
			}
			out.Findings = append(out.Findings, f)
		}
	}
}

// guard turns a panic of a check into "could not look".
func guard(ctx context.Context, c checks.Check, s checks.Subject) (found []checks.Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			found, err = nil, fmt.Errorf("the check broke: %v", p)
		}
	}()
	return c.Run(ctx, s)
}
