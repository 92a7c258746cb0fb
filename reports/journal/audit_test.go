package journal_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// entry is a command of an administrator.
func entry(n int, args string) journal.AuditEntry {
	return journal.AuditEntry{
		At: noon().Add(time.Duration(n) * time.Minute), Person: "telegram:5", Name: "Анна", Role: "admin",
		Chat: "telegram:-1", Command: "cancel", Args: args, Result: fmt.Sprint("result ", n),
	}
}

func TestAuditOf(t *testing.T) {
	j := open(t)
	entries := []journal.AuditEntry{entry(0, "authz a.example b.example"), entry(1, "authz xa.example"), entry(2, "b.example"), entry(3, "")}
	for _, e := range entries {
		must(t, j.Audit(t.Context(), e))
	}
	for _, c := range []struct {
		site  string
		limit int
		want  []int
	}{
		{"a.example", 9, []int{0}},
		{"b.example", 9, []int{2, 0}},
		{"b.example", 1, []int{2}},
		{"example", 9, nil},
		{"", 9, []int{3, 2, 1, 0}},
	} {
		var want []journal.AuditEntry
		for _, n := range c.want {
			want = append(want, entries[n])
		}
		same(t, "entries of "+c.site, got(j.AuditOf(t.Context(), c.site, c.limit))(t), want)
	}
}

func TestVerifyAudit(t *testing.T) {
	const unlock = `DROP TRIGGER audit_fixed; DROP TRIGGER audit_kept;`
	for name, c := range map[string]struct {
		tamper string
		want   string // of the error
	}{
		"untouched":           {"", ""},
		"a result changed":    {unlock + `UPDATE audit SET result = 'nothing' WHERE id = 2`, "entry 2 was changed"},
		"a time changed":      {unlock + `UPDATE audit SET at = at + 1 WHERE id = 3`, "entry 3 was changed"},
		"words moved":         {unlock + `UPDATE audit SET command = command || args, args = '' WHERE id = 2`, "entry 2 was changed"},
		"one removed":         {unlock + `DELETE FROM audit WHERE id = 2`, "or one before it was removed"},
		"the first removed":   {unlock + `DELETE FROM audit WHERE id = 1`, "or one before it was removed"},
		"one added by others": {`INSERT INTO audit SELECT 9, at, person, name, role, chat, command, args, result, hash FROM audit WHERE id = 3`, "entry 9 was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j.db")
			j := reopen(t, path)
			for n := range 3 {
				must(t, j.Audit(t.Context(), entry(n, "authz")))
			}
			command(t, path, c.tamper)
			n, head, err := j.VerifyAudit(t.Context())
			switch {
			case c.want == "" && (err != nil || n != 3 || len(head) != 64):
				t.Errorf("got %d entries, head %q, %v", n, head, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestPrune(t *testing.T) {
	j := open(t)
	ctx := t.Context()
	const year = 365 * 24 * time.Hour
	must(t, j.Record(ctx, opening("open.example")))
	must(t, j.Record(ctx, opening("over.example")))
	e := journal.Entry{At: noon(), Problems: got(j.Standing(ctx, noon()))(t).Problems[1:], Changes: []reports.Change{{Incident: openIncidents(t, j)[1]}}}
	e.Problems[0].Resolved, e.Changes[0].Incident.Times.Resolved = noon(), noon()
	must(t, j.Record(ctx, e))

	alert := say("c:1", "of an open problem")
	alert.Problem = 1
	past := say("c:1", "of one that is over")
	past.Problem = 2
	ids := enqueue(t, j, alert, past, say("c:2", "edited"), say("c:3", "never sent"))
	for _, id := range ids[:3] {
		must(t, j.MarkSent(ctx, id, fmt.Sprint("m", id), noon()))
	}
	enqueue(t, j, edit(ids[2], "edited'"))
	must(t, j.Audit(ctx, entry(0, "")))
	got(j.StartRun(ctx, "daily", noon(), noon()))(t)

	must(t, j.Prune(ctx, noon().Add(3*year)))

	same(t, "the open problem's message", len(got(j.SentFor(ctx, 1))(t)), 1)
	same(t, "the other's", len(got(j.SentFor(ctx, 2))(t)), 0)
	same(t, "history", len(got(j.IncidentsOf(ctx, "isp1", "over.example", 9))(t)), 0)
	same(t, "the audit", len(got(j.AuditOf(ctx, "", 9))(t)), 1)
	same(t, "a job's last run", len(got(j.Runs(ctx, "daily", 9))(t)), 1)
	same(t, "what waits is sent", sendAll(t, j), []string{"c:3 never sent", "c:2 edited' instead of m3"})

	must(t, j.Prune(ctx, noon().Add(3*year)))
	_, kept, err := j.Problem(ctx, 2)
	must(t, err)
	same(t, "the problem that is over", kept, false)
	if _, err := j.Enqueue(ctx, []journal.Delivery{edit(ids[2], "too late")}); err == nil {
		t.Error("a pruned message was edited")
	}
}
