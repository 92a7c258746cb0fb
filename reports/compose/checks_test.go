package compose

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/i18n"
	"domovoy/reports"
)

// Every check has its texts in every language: what it checks, what each of its
// codes means, and the alerts.
func TestChecksHaveTheirTexts(t *testing.T) {
	list := suite.Checks(suite.Reading{}, suite.Outside{})
	for _, language := range i18n.Languages() {
		w := writer(t, language)
		for _, c := range list {
			for _, key := range missingTexts(w, c) {
				t.Errorf("i18n/%s.toml: the check %q (checks/suite/suite.go) needs %s", language, c.Name, key)
			}
		}
	}
	for _, tt := range []struct {
		check checks.Check
		want  []string
	}{
		{checks.Check{Name: "invented", Scope: checks.ScopeSite, Codes: []checks.Code{"cert.invented"}}, []string{
			"code.cert.invented.explain", "code.cert.invented.next", "code.cert.invented.title",
			"looked.invented", "names.cert.invented", "over.names.cert.invented"}},
		{checks.Check{Name: "invented", Scope: checks.ScopeName, Live: true, Codes: []checks.Code{"web.invented", checks.WebBody}}, []string{
			"code.web.invented.explain", "code.web.invented.next", "code.web.invented.title", "looked.invented"}},
		{checks.Check{Name: "invented", Scope: checks.ScopeServer, Codes: []checks.Code{"panel.invented"}}, []string{
			"alert.panel.invented", "code.panel.invented.explain", "code.panel.invented.next", "code.panel.invented.title", "over.panel.invented"}},
		{checks.Check{Name: "invented", Scope: checks.ScopeServer, Live: true, Codes: []checks.Code{checks.DNSBLListed}}, []string{"looked.invented"}},
	} {
		if diff := cmp.Diff(tt.want, missingTexts(writer(t, "ru"), tt.check)); diff != "" {
			t.Errorf("an invented check: %s", diff)
		}
	}
}

// shownKey matches the form in which a text that is not in the catalog is
// shown.
var shownKey = regexp.MustCompile(`⟨((?:alert|names|over|code)\.[^⟩]+)⟩`)

// missingTexts returns the keys of the texts that a check needs and the
// writer's language does not have.
func missingTexts(w Writer, c checks.Check) []string {
	var missing []string
	need := func(key string) {
		if !w.Has(key) {
			missing = append(missing, key)
		}
	}
	if c.Scope != checks.ScopeServer || c.Live {
		need("looked." + c.Name)
	}
	for _, code := range c.Codes {
		for _, text := range []string{"title", "explain", "next"} {
			need("code." + string(code) + "." + text)
		}
		for _, m := range alertsOf(w, c, code) {
			for _, key := range shownKey.FindAllStringSubmatch(fmt.Sprint(m), -1) {
				missing = append(missing, key[1])
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// alertsOf returns the messages about the beginning and the end of what a check
// finds; none if it is only in the digest.
func alertsOf(w Writer, c checks.Check, code checks.Code) []reports.Message {
	f := checks.Finding{Check: c.Name, Server: "isp1", Code: code, Severity: code.Severity(), Args: checks.Args{"reason": "locked", "value": 3}}
	if c.Scope != checks.ScopeServer {
		f.Site = "shop.ru"
	}
	if !reports.Alerts(f) {
		return nil
	}
	i := reports.Incident{Finding: f, Worst: f.Severity, Peak: 3, Times: reports.IncidentTimes{Opened: noon.Add(-day), Resolved: noon}}
	var messages []reports.Message
	for _, reason := range []reports.Reason{reports.Opened, reports.Resolved} {
		messages = append(messages, Told(w, telling(reason, i), reports.Server{Name: "isp1"}))
	}
	return messages
}
