package commands_test

import (
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot/engine/enginetest"
	"domovoy/checks"
	"domovoy/reports"
)

// reload is what SIGHUP does: another bot goes on with the same state.
func (d *duty) reload(policy reports.Policy, chats ...string) {
	d.Helper()
	if len(chats) == 0 {
		chats = []string{"telegram:-1", "slack:C1"}
	}
	d.begin(d.engine.Journal, policy, chats...)
	if err := d.engine.Alerts.Retire(d.Context(), time.Now()); err != nil {
		d.Fatal(err)
	}
	d.runs(time.Second)
}

// runs has time pass.
func (d *duty) runs(while time.Duration) { d.Helper(); enginetest.Run(d, while, d.engine.Alerts.Run) }

// TestANewConfigurationIsTakenOver has the configuration change while problems are
// open, in virtual time.
func TestANewConfigurationIsTakenOver(t *testing.T) {
	chat, phone := reports.Step{After: 15 * time.Minute, To: "slack:C9"}, reports.Step{After: 40 * time.Minute, To: "webhook:duty"}
	for name, play := range map[string]func(d *duty){
		"what quiet hours held back that are gone": func(d *duty) {
			d.reload(reports.Policy{Quiet: reports.Quiet{To: 8 * 60, Zone: time.UTC}})
			d.read(2)
			d.runs(time.Hour)
			d.wantTold()
			d.reload(reports.Policy{})
			d.wantTold("slack:C1 heldover", "telegram:-1 heldover")
		},
		"what quiet hours held back that go on": func(d *duty) {
			d.reload(reports.Policy{Quiet: reports.Quiet{To: 8 * 60, Zone: time.UTC}})
			d.read(2)
			d.reload(reports.Policy{Quiet: reports.Quiet{To: 9 * 60, Zone: time.UTC}})
			d.runs(8*time.Hour + 30*time.Minute)
			d.wantTold()
			d.runs(30 * time.Minute)
			d.wantTold("slack:C1 heldover", "telegram:-1 heldover")
		},
		"a step that is gone, and a new one": func(d *duty) {
			d.reload(reports.Policy{Escalation: []reports.Step{chat}})
			d.read(5)
			d.told()
			d.runs(10 * time.Minute)
			d.reload(reports.Policy{Escalation: []reports.Step{phone}})
			d.runs(29 * time.Minute)
			d.wantTold()
			d.runs(time.Minute)
			d.wantTold("webhook:duty escalated")
		},
		"a new step before one that was taken": func(d *duty) {
			d.reload(reports.Policy{Escalation: []reports.Step{phone}})
			d.read(5)
			d.told()
			d.runs(41 * time.Minute)
			d.wantTold("webhook:duty escalated")
			d.reload(reports.Policy{Escalation: []reports.Step{chat, phone}})
			d.wantTold("slack:C9 escalated")
			d.runs(3 * time.Hour)
			d.wantTold()
		},
		"a step that is gone and still waits to be sent": func(d *duty) {
			d.reload(reports.Policy{Escalation: []reports.Step{chat}})
			d.read(5)
			d.told()
			d.runs(15 * time.Minute)
			d.reload(reports.Policy{})
			d.wantTold()
		},
		"chats": func(d *duty) {
			d.read(5)
			d.reload(reports.Policy{}, "telegram:-1", "slack:C2")
			d.wantTold("telegram:-1 opened") // nothing waits for C1 any more
			d.read(9)
			d.wantTold("slack:C2 grown", "telegram:-1 grown")
			d.read(0)
			d.wantTold("slack:C2 edit", "slack:C2 resolved", "telegram:-1 edit", "telegram:-1 edit", "telegram:-1 resolved")
		},
		"a chat that was told is not shown what is so now": func(d *duty) {
			d.read(5)
			d.wantTold("slack:C1 opened", "telegram:-1 opened")
			d.reload(reports.Policy{}, "telegram:-1")
			d.must("ann", "ack 1")
			d.wantTold("telegram:-1 edit: Taken")
		},
		"a higher threshold": func(d *duty) {
			d.read(5)
			d.told()
			d.reload(reports.Policy{Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Critical: 50}}})
			d.read(5)
			d.wantTold("slack:C1 edit", "slack:C1 resolved", "telegram:-1 edit", "telegram:-1 resolved")
		},
		"a lower threshold": func(d *duty) {
			d.read(2)
			d.wantTold("slack:C1 opened", "telegram:-1 opened")
			d.reload(reports.Policy{Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Critical: 2}}})
			d.read(2)
			d.wantTold("slack:C1 worsened", "telegram:-1 worsened")
		},
		"a threshold that is gone": func(d *duty) {
			d.read(5)
			d.told()
			d.reload(reports.Policy{Thresholds: map[checks.Code]reports.Threshold{}})
			d.read(5)
			d.wantTold("slack:C1 edit", "slack:C1 resolved", "telegram:-1 edit", "telegram:-1 resolved")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(newDuty(t, reports.Policy{})) })
		})
	}
}
