package journal_test

import (
	"encoding/json"
	"testing"
	"time"

	"domovoy/reports/journal"
)

func TestPanelMemory(t *testing.T) {
	j := open(t)
	ctx := t.Context()
	if _, ok, err := j.PanelMemory(ctx, "isp1"); ok || err != nil {
		t.Errorf("a panel that was never read is remembered: %v, %v", ok, err)
	}
	for _, want := range []journal.PanelMemory{
		{Memory: json.RawMessage(`{"rows":{"webdomain":3000}}`), At: noon()},
		{Memory: json.RawMessage(`{"rows":{"webdomain":3000}}`), At: noon(), Doubt: "shrunk", Doubted: noon().Add(time.Minute), Other: json.RawMessage(`{"rows":{}}`)},
		{Memory: json.RawMessage(`{"rows":{}}`), At: noon().Add(6 * time.Hour), Believed: noon().Add(6 * time.Hour)},
	} {
		must(t, j.KeepPanelMemory(ctx, "isp1", want))
		got, ok, err := j.PanelMemory(ctx, "isp1")
		must(t, err)
		same(t, "remembered", ok, true)
		same(t, "memory", got, want)
	}
	must(t, j.BelievePanel(ctx, "isp1", journal.PanelMemory{Memory: json.RawMessage(`{}`), At: noon(), Believed: noon()}, entry(0, "isp1")))
	same(t, "the audit's entry", len(got(j.AuditOf(ctx, "", 9))(t)), 1)
}
