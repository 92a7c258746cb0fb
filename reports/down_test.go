package reports_test

import (
	"testing"

	"domovoy/checks"
	"domovoy/reports"
)

// While the CA itself fails, the step for what only it can mend is to wait.
func TestWhileTheCAIsDown(t *testing.T) {
	down := checks.Finding{Check: "outage", Server: "isp1", Code: checks.CADown, Severity: checks.Critical}
	for _, tt := range []struct {
		code   checks.Code
		isDown bool
		want   checks.Who
	}{
		{checks.CertExpired, true, checks.CA}, {checks.CertExpired, false, checks.Us},
		{checks.CertOverdue, true, checks.CA}, {checks.PanelNoCertificate, true, checks.CA}, {checks.CAUnreachable, true, checks.CA},
		{checks.CAInternal, true, checks.CA}, {checks.CAInternal, false, checks.CA},
		{checks.DNSElsewhere, true, checks.Customer}, {checks.CertKeyMismatch, true, checks.Us}, {checks.WebTimeout, true, checks.Us},
	} {
		s := reports.Server{Name: "isp1"}
		if tt.isDown {
			s.Outcome.Findings = []checks.Finding{down}
		}
		f := checks.Finding{Server: "isp1", Site: "client.ru", Code: tt.code}
		site := reports.Site{Server: s, Subject: checks.Subject{Site: &checks.Site{Name: "client.ru"}}}
		if got := site.Cause(checks.Verdict{Code: tt.code, Finding: f}); got.Who() != tt.want {
			t.Errorf("%s, down: %v: %s acts, want %s", tt.code, tt.isDown, got.Who(), tt.want)
		}
		if waits := s.WhileDown(f).Args[reports.DownArg] == true; waits != (tt.isDown && tt.want == checks.CA) {
			t.Errorf("%s, down: %v: has to wait: %v", tt.code, tt.isDown, waits)
		}
	}
}
