package reports

import (
	"testing"

	"domovoy/checks"
)

// The message of a problem that explains others says what it hides: it is redrawn when
// something is hidden, and when that ends.
func TestWhatAProblemHidesIsShownByIt(t *testing.T) {
	unreachable := checks.Finding{Check: "account", Server: "isp1", Code: checks.CAUnreachable, Severity: checks.Critical, Args: checks.Args{"value": 12}}
	failing := checks.Finding{Check: "counts.panel.failing", Server: "isp1", Code: checks.PanelFailing, Severity: checks.Critical, Args: checks.Args{"value": 44}}
	parent := Problem{ID: 1, Key: ProblemKey(unreachable), Server: "isp1", Cause: unreachable.Code, Worst: checks.Critical, Opened: noon,
		Told: Told{Reason: Opened, Severity: checks.Critical, Value: 12, At: noon}}
	child := Problem{ID: 2, Key: ProblemKey(failing), Server: "isp1", Cause: failing.Code, Opened: noon, Life: Life{Held: Hold{Kind: HeldByParent, Parent: parent}.Name()}}
	cause := Incident{ID: 1, Problem: 1, Finding: unreachable, Worst: checks.Critical, Notified: checks.Critical, Times: IncidentTimes{Opened: noon, Seen: noon}}
	hidden := Incident{ID: 2, Problem: 2, Finding: failing, Worst: checks.Critical, Held: child.Life.Held, Times: IncidentTimes{Opened: noon, Seen: noon}}
	fresh, over := hidden, hidden
	fresh.ID, fresh.Problem, fresh.Held = 0, 0, ""
	over.Times.Resolved = noon
	for name, s := range map[string]Situation{
		"it begins": {Problems: []Problem{parent}, Open: []Incident{cause}, Changes: []Change{{Kind: Opened, Incident: fresh}}},
		"it ends":   {Problems: []Problem{parent, child}, Open: []Incident{cause, hidden}, Changes: []Change{{Kind: Resolved, Incident: over}}},
	} {
		s.Now = noon
		d := Policy{}.Decide(s)
		if len(d.Tellings) > 0 || len(d.Redraw) != 1 || d.Redraw[0].ID != parent.ID {
			t.Errorf("%s: %d tellings and %v redrawn, want the cause alone", name, len(d.Tellings), d.Redraw)
		}
	}
	quiet := Policy{}.Decide(Situation{Now: noon, Problems: []Problem{parent, child}, Open: []Incident{cause, hidden}})
	if len(quiet.Redraw) > 0 {
		t.Errorf("nothing changed, and %v is redrawn", quiet.Redraw)
	}
}
