package panel

import (
	"context"

	"domovoy/checks"
)

// Policy finds names for which the CA does not issue whatever DNS says, so that
// no order is spent on them: the site's own, and aliases, one of which makes
// the whole order fail.
func Policy() checks.Check {
	return checks.Check{
		Name:  checks.PolicyCheck,
		Scope: checks.ScopeSite,
		Codes: []checks.Code{checks.CARejected},
		Needs: checks.Needs{Panel: []checks.Missing{{Table: tableSites}}},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			if !t.Issues() {
				return nil, nil
			}
			var found []checks.Finding
			if why, refused := checks.Refused(t.Site.Name); refused {
				found = append(found, refusal(t, t.Site.Name, why))
			}
			for _, alias := range t.Site.Aliases {
				if why, refused := checks.Refused(alias); refused {
					f := refusal(t, alias, why)
					f.Name, f.Args["alias"], f.Args[checks.WhoArg] = alias, true, string(checks.Us)
					found = append(found, f)
				}
			}
			return found, nil
		},
	}
}

// refusal is only information where no certificate is in use and none was
// ordered: nothing fails.
func refusal(t *checks.Target, name string, why checks.NameRefusal) checks.Finding {
	f := finding(checks.CARejected, checks.Args{"name": name, "reason": why.Rule})
	if why.Label != "" {
		f.Args["label"] = checks.ToUnicode(why.Label)
	}
	if t.Site.Secure == checks.Off && t.Certificate == nil && t.Order == nil {
		f.Severity = checks.Info
	}
	return f
}
