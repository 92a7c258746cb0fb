package files

import (
	"testing"

	"domovoy/checks"
	"domovoy/reports"
)

// The step in a row is that of the party that acts: where this is not the one that
// the cause alone gives, the text of the cause would send another.
func TestStepsAreOfWhoActs(t *testing.T) {
	week := sample(t)
	for _, tt := range []struct {
		code checks.Code
		who  checks.Who
		want string
	}{
		{checks.WebReset, checks.Us, "look at the web server’s error log and the protection in front of it."},
		{checks.CAUnauthorized, checks.Us, "the cause is on our side: “check” with the name says what to do."},
		{checks.WebTimeout, checks.Customer, "the customer has to act: “check” with the name says what to do."},
		{checks.CAConnection, checks.Nobody, "nothing to do."},
		{checks.CADNS, checks.CA, "nothing: the CA has to fix it."},
	} {
		row := reports.WeekRow{SiteState: reports.SiteState{Site: "shop.ru", Code: tt.code, Who: tt.who}, Change: reports.WeekNew}
		week.Rows = []reports.WeekRow{row}
		if got := newDocument(writer(t, "en"), week).row(row).step; got != tt.want {
			t.Errorf("%s, %s: %q, want %q", tt.code, tt.who, got, tt.want)
		}
	}
}
