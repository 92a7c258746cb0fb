package commands_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine/enginetest"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// acted is a program whose audit has three entries.
func acted(t *testing.T) *enginetest.Program {
	t.Helper()
	p := enginetest.NewProgram(t)
	for _, args := range []string{"a.example", "b.example", "c.example"} {
		p.Must(p.Journal.Audit(t.Context(), journal.AuditEntry{At: time.Now(), Person: "telegram:3", Command: "cancel", Args: args, Result: "ok"}))
	}
	return p
}

// audit verify says whether entries were changed, removed between others, or cut
// off at the end; audit and selftest say so too.
func TestAuditVerify(t *testing.T) {
	const unlock = "DROP TRIGGER audit_fixed; DROP TRIGGER audit_kept;"
	for name, c := range map[string]struct{ tamper, says string }{
		"whole":      {"SELECT 1", ""},
		"changed":    {unlock + "UPDATE audit SET args = 'x' WHERE id = 2", "entry 2 was changed"},
		"one gone":   {unlock + "DELETE FROM audit WHERE id = 2", "one before it was removed"},
		"cut off":    {unlock + "DELETE FROM audit WHERE id = 3", "the last entry is 2, and there was one with the number 3"},
		"all is cut": {unlock + "DELETE FROM audit", "the last entry is 0, and there was one with the number 3"},
	} {
		t.Run(name, func(t *testing.T) {
			p := acted(t)
			p.Disk(c.tamper)
			answer, err := p.Engine.Commands.Ask(t.Context(), "audit verify", enginetest.Request(t, bot.Admin))
			p.Must(err)
			data := answer.Data.(commands.ChainData)
			if data.Whole != (c.says == "") || !strings.Contains(data.Error, c.says) {
				t.Errorf("verify: %+v, want %q", data, c.says)
			}
			if good := answer.Message.Tone == reports.ToneOver; good != (c.says == "") {
				t.Errorf("verify says %q", answer.Message.Title)
			}
			answer, err = p.Engine.Commands.Ask(t.Context(), "audit", enginetest.Request(t, bot.Admin))
			p.Must(err)
			if data := answer.Data.(commands.AuditData); data.Whole != (c.says == "") {
				t.Errorf("audit: %+v", data.ChainData)
			}
			test, err := p.Engine.Commands.Ask(t.Context(), "selftest", enginetest.Request(t, bot.Operator))
			p.Must(err)
			i := slices.IndexFunc(test.Data.(commands.SelfTestData).Checks, func(x commands.SelfTestItem) bool { return x.Name == "audit" })
			if item := test.Data.(commands.SelfTestData).Checks[i]; item.OK != (c.says == "") {
				t.Errorf("selftest: %+v", item)
			}
		})
	}
	p := acted(t)
	if _, err := p.Engine.Commands.Ask(t.Context(), "audit verify", enginetest.Request(t, bot.Operator)); err == nil {
		t.Error("an operator sees the audit")
	}
	answer, err := p.Engine.Commands.Ask(t.Context(), "аудит целость", enginetest.Request(t, bot.Admin))
	if _, ok := answer.Data.(commands.ChainData); !ok || err != nil {
		t.Errorf("in Russian: %v, %v", answer.Data, err)
	}
}

// selftest says what of the bot itself does not work.
func TestSelfTest(t *testing.T) {
	p := acted(t)
	test := func() map[string]bool {
		t.Helper()
		p.Must(p.Engine.Watch.Read(t.Context(), time.Now()))
		answer, err := p.Engine.Commands.Ask(t.Context(), "selftest", enginetest.Request(t, bot.Operator))
		p.Must(err)
		data, well := answer.Data.(commands.SelfTestData), true
		found := map[string]bool{}
		for _, c := range data.Checks {
			found[strings.TrimSpace(c.Name+" "+c.Of)] = c.OK
			well = well && c.OK
		}
		if data.OK != well {
			t.Errorf("it is well: %v, of %v", data.OK, found)
		}
		return found
	}
	want := func(what string, bad ...string) {
		t.Helper()
		found := test()
		if len(found) != 6 {
			t.Errorf("%s: %v, want the state, the audit, one panel, the test alarm and two chats", what, found)
		}
		for name, ok := range found {
			if ok == slices.Contains(bad, name) {
				t.Errorf("%s: %s is well: %v", what, name, ok)
			}
		}
	}
	want("all is well")
	p.Away()
	want("the panel is gone", "panel isp1", "alarm")
	p.Back()
	_, err := p.Journal.Enqueue(t.Context(), []journal.Delivery{{To: "wall:ops", Kind: "opened", Message: reports.Message{Title: "an alert"}}})
	p.Must(err)
	want("a message has just been written")
	p.Disk("UPDATE delivery SET created = created - 3600000")
	want("it waits for an hour", "chat wall:ops")
	p.Disk("DELETE FROM delivery")
	state := filepath.Join(p.Folder, "state.db")
	p.Must(os.Rename(state, state+".aside"))
	db, err := sql.Open("sqlite", "file:"+state)
	p.Must(err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE x (y)")
	p.Must(err)
	p.Must(db.Close())
	want("another file is in its place", "state")
	p.Must(os.Rename(state+".aside", state))
	want("it is back")
}
