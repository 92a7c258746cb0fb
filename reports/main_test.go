package reports

import (
	"strings"
	"time"

	"domovoy/checks"
)

// noon is the time of tests: a Saturday, in Moscow.
var noon = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// count is a finding of the server as a whole.
func count(code checks.Code, severity checks.Severity, value int) checks.Finding {
	return checks.Finding{Check: CountCheck + "." + string(code), Server: "isp1", Code: code, Severity: severity,
		Args: checks.Args{"value": value, "threshold": 100}}
}

// onSite is a finding of a site.
func onSite(site string, code checks.Code) checks.Finding {
	check := "certificate"
	if strings.HasPrefix(string(code), "ca.") {
		check = "issuing"
	}
	return checks.Finding{Check: check, Server: "isp1", Site: site, Code: code, Severity: code.Severity()}
}

// begins returns a function that reports whether a run is the first complete
// one of a check.
func begins(baseline bool) func(string) bool { return func(string) bool { return baseline } }
