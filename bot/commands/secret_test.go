package commands

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// The link that unpauses the account's names is shown only to an administrator
// in a private chat: in messages and in JSON, of check and of why.
func TestLinkIsForAdministrators(t *testing.T) {
	const link = "https://portal.letsencrypt.org/sfe/v1/unpause?jwt=eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2lnbmVk"
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	said := "Your account is temporarily prevented from requesting certificates for shop.ru and possibly others. Please visit: " + link
	paused := checks.Finding{Server: "isp1", Site: "shop.ru", Code: checks.CAPaused, Severity: checks.Critical,
		Args: checks.Args{"name": "shop.ru", checks.Secret: link}, Detail: said}
	subject := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "shop.ru"}}
	site := reports.Site{
		Server:   reports.Server{Name: "isp1", Subjects: []checks.Subject{subject}, Outcome: checks.Outcome{Server: "isp1", Findings: []checks.Finding{paused}}},
		Subject:  subject,
		Attempts: []reports.ClassifiedAttempt{{Attempt: checks.Attempt{Outcome: checks.OutcomeFailed, Text: said}, Code: checks.CAPaused, Args: paused.Args}},
	}
	for _, tt := range []struct {
		role    bot.Role
		private bool
		sees    bool
	}{
		{bot.Viewer, true, false}, {bot.Operator, true, false}, {bot.Admin, false, false}, {bot.Admin, true, true},
	} {
		for _, language := range bundle.Languages() {
			r := bot.Request{Role: tt.role, Private: tt.private, Locale: bundle.Locale(language, time.UTC), Now: time.Now()}
			w := r.Writer()
			for name, answer := range map[string]any{
				"check": compose.Check(w, site), "why": compose.Why(w, site), "check's JSON": checkData(site, w), "why's JSON": whyData(site, w),
			} {
				out, err := json.Marshal(answer)
				if err != nil {
					t.Fatal(err)
				}
				if sees := strings.Contains(string(out), "c2VjcmV0"); sees != tt.sees {
					t.Errorf("%s for %s, private %t, in %s: link %t", name, tt.role, tt.private, language, sees)
				}
			}
		}
	}
}
