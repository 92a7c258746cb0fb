package reports

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCanary is what is said of test alarms.
func TestCanary(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	blind := &CanaryFault{Step: CanaryPanel, Of: "isp1", Reason: "permission"}
	for _, c := range []struct {
		name    string
		canary  Canary
		late    bool
		missing *CanaryFault
	}{
		{"there is none", Canary{}, false, nil},
		{"begun a day ago", Canary{Since: ago(24)}, false, nil},
		{"none arrived since long", Canary{Since: ago(27)}, true, nil},
		{"arrived today", Canary{Since: ago(900), Last: ago(3)}, false, nil},
		{"arrived yesterday, but not today", Canary{Since: ago(900), Last: ago(27), Fault: blind}, true, blind},
		{"under way", Canary{Since: ago(900), Last: ago(24), Messages: []CanaryMessage{{Chat: "slack:C1", Sent: now}, {Chat: "telegram:1"}}}, false,
			&CanaryFault{Step: CanaryOutbox, Of: "telegram:1"}},
		{"refused", Canary{Since: ago(900), Last: ago(24), Messages: []CanaryMessage{{Chat: "slack:C1", Error: "not_in_channel"}}}, false,
			&CanaryFault{Step: CanaryChat, Of: "slack:C1", Reason: "not_in_channel"}},
		{"given up", Canary{Since: ago(900), Last: ago(24), Messages: []CanaryMessage{{Chat: "slack:C1", Dropped: true}}}, false,
			&CanaryFault{Step: CanaryChat, Of: "slack:C1"}},
	} {
		if late := c.canary.Late(now); late != c.late {
			t.Errorf("%s: late: %v", c.name, late)
		}
		if diff := cmp.Diff(c.missing, c.canary.Missing()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if got, want := blind.Error(), "the test alarm failed at the step panel isp1 (permission)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
