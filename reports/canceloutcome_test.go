package reports

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A stored result is read back; similar text is not mistaken for one.
func TestCancelOutcome(t *testing.T) {
	for line, want := range map[string]CancelOutcome{
		"done deactivated=14 skipped=3 failed=2 left=0 price=16":                {Deactivated: 14, Skipped: 3, Failed: 2, Price: 16},
		"stopped deactivated=1 skipped=0 failed=0 left=4 price=1 confirmed=a,b": {Stopped: true, Deactivated: 1, Left: 4, Price: 1, Confirmed: []string{"a", "b"}},
	} {
		got, ok := ParseCancelOutcome(line)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
		if got.String() != line {
			t.Errorf("%q is kept as %q", line, got)
		}
	}
	for _, line := range []string{"", "done", "ok", "done deactivated=1 skipped=0 failed=0 left=0", "failed deactivated=1 skipped=0 failed=0 left=0 price=0",
		"done deactivated=x skipped=0 failed=0 left=0 price=0", "done skipped=0 deactivated=1 failed=0 left=0 price=0",
		"done deactivated=1 skipped=0 failed=0 left=0 price=0 more=1", "done deactivated=1 skipped=0 failed=0 left=0 price=0 confirmed=a b"} {
		if o, ok := ParseCancelOutcome(line); ok {
			t.Errorf("%q is read as %+v", line, o)
		}
	}
}
