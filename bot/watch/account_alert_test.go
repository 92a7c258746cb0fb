package watch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/panel"
)

// TestOneBudget merges what the count of orders and the CA's own refusals say.
func TestOneBudget(t *testing.T) {
	soon, later := time.Unix(1000, 0), time.Unix(5000, 0)
	counted := func(args checks.Args) checks.Finding {
		return checks.Finding{Check: budget.CheckName, Code: checks.CABudget, Args: args}
	}
	refused := func(args checks.Args) checks.Finding {
		return checks.Finding{Check: panel.AccountCheck, Code: checks.CABudget, Args: args}
	}
	other := checks.Finding{Check: "stale", Code: checks.PanelStale}
	for _, tt := range []struct {
		name        string
		found, want []checks.Finding
	}{
		{"nothing is refused", []checks.Finding{counted(checks.Args{"used": 212, "size": 300, "at": soon}), other}, []checks.Finding{counted(checks.Args{"used": 212, "size": 300, "at": soon}), other}},
		{"refused, whatever was counted", []checks.Finding{refused(checks.Args{"value": 41, "refill": later}), counted(checks.Args{"used": 280, "size": 300, "rate": 9, "at": soon}), other},
			[]checks.Finding{refused(checks.Args{"value": 41, "refill": later, "used": 280, "size": 300, "rate": 9}), other}},
		{"refused without a moment, which the count knows", []checks.Finding{refused(checks.Args{"value": 1}), counted(checks.Args{"used": 300, "size": 300, "rate": 9, "refill": later})},
			[]checks.Finding{refused(checks.Args{"value": 1, "refill": later, "used": 300, "size": 300, "rate": 9})}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, oneBudget(tt.found)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
