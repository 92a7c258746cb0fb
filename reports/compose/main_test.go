package compose

import (
	"strings"
	"sync"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// noon is the time of tests: a Saturday, in Moscow.
var noon = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// catalogs are read once: they are the same for all tests.
var catalogs = sync.OnceValues(i18n.Load)

// writer returns a Writer in a language at noon.
func writer(t *testing.T, language string) Writer {
	t.Helper()
	bundle, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return Writer{Locale: bundle.Locale(language, zone), Now: noon}
}

// count is a finding of the server as a whole.
func count(code checks.Code, severity checks.Severity, value int) checks.Finding {
	return checks.Finding{Check: reports.CountCheck + "." + string(code), Server: "isp1", Code: code, Severity: severity,
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
