package alerts_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/checks"
	"domovoy/checks/lab"
)

// losing is a program over a panel that loses something.
type losing struct {
	*enginetest.Program
	now time.Time
}

// newLosing is one whose panel has 61 certificates that could not be issued, 30
// sites of 25 customers, and a log; the alert about the former is out.
func newLosing(t *testing.T) *losing {
	t.Helper()
	p := &losing{enginetest.NewProgram(t), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	p.Must(p.Panel.Exec("INSERT INTO ipaddr (name) VALUES ('203.0.113.10'), ('203.0.113.11')"))
	p.Must(p.Panel.Transaction(func() error {
		for n := range 30 {
			name := "s" + string(rune('a'+n%26)) + string(rune('a'+n/26)) + ".example"
			if _, err := p.Panel.AddSite(lab.Site{Name: name, Owner: "client" + name[1:3], Aliases: []string{"www." + name},
				Addresses: []string{"203.0.113.10"}, Active: true, Certificate: name + "_le1"}); err != nil {
				return err
			}
			if _, err := p.Panel.AddAttempt(lab.Attempt{Certificate: name + "_le1", Status: lab.StatusOK, At: p.now.Add(-time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	}))
	p.Counts(p.now, 0, 10, 0, 0)
	p.turn() // the baseline
	p.Counts(p.now, 0, 61, 0, 0)
	p.turn()
	p.expect("the alert", "opened panel.failed")
	return p
}

// turn is a reading five minutes later.
func (p *losing) turn() { p.T.Helper(); p.turnAfter(5 * time.Minute) }

func (p *losing) turnAfter(d time.Duration) {
	p.T.Helper()
	p.now = p.now.Add(d)
	p.Must(p.Engine.Alerts.Observe(p.T.Context(), p.now))
}

// expect compares the messages about the panel as a whole since the last call.
func (p *losing) expect(when string, want ...string) {
	p.T.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.Folder, "state.db"))
	p.Must(err)
	defer db.Close()
	rows, err := db.QueryContext(p.T.Context(), `SELECT d.kind || ' ' || substr(i.key, instr(i.key, '///') + 3) FROM delivery d JOIN problem i ON i.id = d.problem
		WHERE d.edits IS NULL AND d.state = 'pending' AND instr(i.key, '///') > 0 ORDER BY d.id`)
	p.Must(err)
	defer rows.Close()
	var told []string
	for rows.Next() {
		var line string
		p.Must(rows.Scan(&line))
		told = append(told, line)
	}
	p.Must(rows.Err())
	p.Disk("UPDATE delivery SET state = 'dropped'")
	if !slices.Equal(told, want) {
		p.T.Errorf("%s: told %q, want %q", when, told, want)
	}
}

// copied is the panel's database as it is now.
func (p *losing) copied() []byte {
	p.T.Helper()
	content, err := os.ReadFile(p.Panel.Path())
	p.Must(err)
	return content
}

// A panel that lost its data is a fault of the panel, told once: nothing ends
// because of it, also over a restart. When the data is back, that is told, and
// what is open is still open.
func TestALossIsNoGoodNews(t *testing.T) {
	for name, lose := range map[string]func(p *losing){
		"webdomain":               func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM webdomain")) },
		"nearly all sites":        func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM webdomain WHERE id > 3")) },
		"letsencrypt_ssl":         func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM letsencrypt_ssl")) },
		"most of letsencrypt_ssl": func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM letsencrypt_ssl WHERE id > 30")) },
		"letsencrypt_log":         func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM letsencrypt_log")) },
		"users":                   func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM users")) },
		"webdomain_alias":         func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM webdomain_alias")) },
		"webdomain_ipaddr":        func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM webdomain_ipaddr")) },
		"ipaddr":                  func(p *losing) { p.Must(p.Panel.Exec("DELETE FROM ipaddr")) },
		"another panel": func(p *losing) {
			p.Must(p.Panel.Exec("UPDATE webdomain SET name = 'other' || id || '.example', name_idn = NULL"))
			p.Must(p.Panel.Exec("UPDATE letsencrypt_ssl SET failed = 'off'"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newLosing(t)
			good := p.copied()
			lose(p)
			p.turn()
			p.expect("at once", "opened panel.unavailable")
			for range 5 {
				p.turn()
			}
			p.End()
			p.Begin()
			p.turn()
			p.expect("for half an hour, and over a restart")
			p.Must(os.WriteFile(p.Panel.Path(), good, 0o600))
			p.turn()
			p.turn()
			p.expect("back", "resolved panel.unavailable")
		})
	}
}

// A database of an earlier time that is put back, by a copy over the file or in
// its place, ends nothing either. That the log goes on where it had been shows
// that it is the present after all.
func TestAnOlderDatabase(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, path string, content []byte) error{
		"over it": func(_ *testing.T, path string, content []byte) error { return os.WriteFile(path, content, 0o600) },
		"in its place": func(_ *testing.T, path string, content []byte) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, content, 0o600))
		},
		"by SQLite": restore,
	} {
		t.Run(name, func(t *testing.T) {
			p := &losing{enginetest.NewProgram(t), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
			p.tried(1, 20)
			p.turn()
			old := p.copied()
			p.Counts(p.now, 0, 61, 0, 0)
			p.tried(1, 5)
			p.turn()
			p.expect("the alert", "opened panel.failed")
			p.Must(put(t, p.Panel.Path(), old))
			p.turn()
			p.turn()
			p.expect("an older day", "opened panel.unavailable")
			if s := p.Engine.Watch.Panel("isp1").State(); s.Trouble != "older" {
				t.Errorf("the trouble is %q, want older", s.Trouble)
			}
		})
	}
}

// tried adds an attempt for each of some certificates to the log.
func (p *losing) tried(first, last int) {
	p.T.Helper()
	for n := first; n <= last; n++ {
		_, err := p.Panel.AddAttempt(lab.Attempt{Certificate: fmt.Sprintf("c%d", n), Status: lab.StatusOK, At: p.now})
		p.Must(err)
	}
}

// restore copies a database over another one, as "restore" of the program sqlite3
// does: with a transaction of its own.
func restore(t *testing.T, path string, content []byte) error {
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("SKIPPED: the program sqlite3 is not installed, so no database was put back by it")
	}
	if err := os.WriteFile(path+".old", content, 0o600); err != nil {
		return err
	}
	return exec.CommandContext(t.Context(), program, path, ".restore '"+path+".old'").Run()
}

// A panel that stays as it is for hours is believed, and that is said; so it is
// at once when an administrator says so, who is asked once more. What is over then is over.
func TestAShrunkPanelIsBelieved(t *testing.T) {
	for name, accept := range map[string]func(p *losing){
		"after six hours": func(p *losing) {
			for range 6*12 - 2 {
				p.turn()
			}
			p.expect("for six hours", "reminded panel.unavailable")
			p.turn()
			p.turn()
		},
		"by a person": func(p *losing) {
			r := enginetest.Request(p.T, bot.Viewer)
			button := p.button("isp1: the panel’s data cannot be right", "Data is right")
			for _, r.Role = range []bot.Role{bot.Viewer, bot.Operator} {
				if _, err := p.Engine.Commands.Ask(p.T.Context(), button, r); err == nil {
					p.T.Errorf("a %s has it believed", r.Role)
				}
			}
			r.Role, r.Now = bot.Admin, p.now
			answer, err := p.Engine.Commands.Ask(p.T.Context(), button, r)
			p.Must(err)
			text := fmt.Sprint(answer.Message)
			if !strings.Contains(text, "isp1: accept the panel’s data as it is?") || !strings.Contains(text, "letsencrypt_ssl had 360 rows and has 60.") || len(answer.Message.Actions) != 1 {
				p.T.Fatalf("the question is %+v", answer.Message)
			}
			confirm := answer.Message.Actions[0]
			if acts, err := p.Journal.AuditOf(p.T.Context(), "", 9); err != nil || len(acts) > 0 || !confirm.Danger {
				p.T.Fatalf("the question has been answered: %+v, %v", acts, err)
			}
			for _, r.Role = range []bot.Role{bot.Viewer, bot.Operator} {
				if _, err := p.Engine.Commands.Ask(p.T.Context(), confirm.Command, r); err == nil {
					p.T.Errorf("a %s has it believed", r.Role)
				}
			}
			r.Role = bot.Admin
			answer, err = p.Engine.Commands.Ask(p.T.Context(), confirm.Command, r)
			p.Must(err)
			if !strings.Contains(answer.Message.Title, "isp1") {
				p.T.Errorf("the answer is %q", answer.Message.Title)
			}
			acts, err := p.Journal.AuditOf(p.T.Context(), "", 9)
			p.Must(err)
			if len(acts) != 1 || acts[0].Args != "believe server=isp1" {
				p.T.Errorf("the audit has %+v", acts)
			}
			p.turn()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newLosing(t)
			p.Policy.Remind = 4 * time.Hour
			p.Must(p.Panel.Exec("DELETE FROM letsencrypt_ssl WHERE id > 60"))
			p.turn()
			p.expect("at once", "opened panel.unavailable")
			accept(p)
			p.turn()
			p.expect("believed", "resolved panel.failed", "resolved panel.unavailable")
			if title := p.lastTitle(checks.PanelUnavailable); !strings.Contains(title, "accepted as it is") {
				t.Errorf("its end reads %q", title)
			}
		})
	}
}

func (p *losing) lastTitle(code checks.Code) string {
	p.T.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.Folder, "state.db"))
	p.Must(err)
	defer db.Close()
	var title string
	p.Must(db.QueryRowContext(p.T.Context(), `SELECT d.message ->> '$.title' FROM delivery d JOIN problem i ON i.id = d.problem
		WHERE d.edits IS NULL AND i.key LIKE '%' || ? ORDER BY d.id DESC LIMIT 1`, string(code)).Scan(&title))
	return title
}

// A table or column that is gone while the program runs is told once, with what
// it switches off, and again when it is back; what is open stays open.
func TestALostColumnIsTold(t *testing.T) {
	for name, c := range map[string]struct{ lose, back, says string }{
		"a column that is counted": {"ALTER TABLE letsencrypt_ssl RENAME COLUMN failed TO has_failed", "ALTER TABLE letsencrypt_ssl RENAME COLUMN has_failed TO failed", "could not be issued"},
		"a column of sites":        {"ALTER TABLE webdomain RENAME COLUMN redirect_http TO redirect", "ALTER TABLE webdomain RENAME COLUMN redirect TO redirect_http", "no redirect to https"},
		"the log":                  {"ALTER TABLE letsencrypt_log RENAME TO le_log", "ALTER TABLE le_log RENAME TO letsencrypt_log", "repeated failures"},
		"certificates":             {"ALTER TABLE letsencrypt_ssl RENAME TO le_ssl", "ALTER TABLE le_ssl RENAME TO letsencrypt_ssl", "could not be issued"},
		"users":                    {"ALTER TABLE users RENAME TO owners", "ALTER TABLE owners RENAME TO users", "owners of sites"},
		"aliases":                  {"ALTER TABLE webdomain_alias RENAME TO aliases", "ALTER TABLE aliases RENAME TO webdomain_alias", "aliases of sites"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newLosing(t)
			p.Must(p.Panel.Exec(c.lose))
			for range 4 {
				p.turn()
			}
			p.expect("gone", "opened panel.missing")
			if text := p.lastText(checks.PanelMissing); !strings.Contains(text, c.says) {
				t.Errorf("the message does not say %q:\n%s", c.says, text)
			}
			p.End()
			p.Begin()
			p.turn()
			p.expect("after a restart")
			p.Must(p.Panel.Exec(c.back))
			for range 4 {
				p.turn()
			}
			p.expect("back", "resolved panel.missing")
		})
	}
}

func (p *losing) lastText(code checks.Code) string {
	p.T.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.Folder, "state.db"))
	p.Must(err)
	defer db.Close()
	var text string
	p.Must(db.QueryRowContext(p.T.Context(), `SELECT d.message FROM delivery d JOIN problem i ON i.id = d.problem
		WHERE d.edits IS NULL AND i.key LIKE '%' || ? ORDER BY d.id DESC LIMIT 1`, string(code)).Scan(&text))
	return text
}

// button is the command behind a button of the message with that title.
func (p *losing) button(title, label string) string {
	p.T.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.Folder, "state.db"))
	p.Must(err)
	defer db.Close()
	rows, err := db.QueryContext(p.T.Context(), `SELECT a.value ->> '$.command' FROM delivery d, json_each(d.message, '$.actions') a
		WHERE d.message ->> '$.title' LIKE ? || '%' AND a.value ->> '$.label' = ?`, title, label)
	p.Must(err)
	defer rows.Close()
	var command string
	for rows.Next() {
		p.Must(rows.Scan(&command))
	}
	p.Must(rows.Err())
	if command == "" {
		p.T.Fatalf("no message %q has a button %q", title, label)
	}
	return command
}

// What was confirmed is what was shown: a panel that loses more meanwhile, or comes
// back, is not believed by the button of before.
func TestAnOldConfirmationIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *losing, good []byte)
		code   bot.Result // 0: there is nothing to believe any more
	}{
		"more is lost, read":         {func(p *losing, _ []byte) { p.Must(p.Panel.Exec("DELETE FROM webdomain")); p.turn() }, bot.ResultChanged},
		"more is lost, not read yet": {func(p *losing, _ []byte) { p.Must(p.Panel.Exec("DELETE FROM letsencrypt_ssl")) }, bot.ResultChanged},
		"it is back":                 {func(p *losing, good []byte) { p.Must(os.WriteFile(p.Panel.Path(), good, 0o600)); p.turn() }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newLosing(t)
			good := p.copied()
			p.Must(p.Panel.Exec("DELETE FROM letsencrypt_ssl WHERE id > 60"))
			p.turn()
			r := enginetest.Request(t, bot.Admin)
			r.Now = p.now
			question, err := p.Engine.Commands.Ask(t.Context(), "status believe", r)
			p.Must(err)
			c.change(p, good)
			answer, err := p.Engine.Commands.Ask(t.Context(), question.Message.Actions[0].Command, r)
			refusal, refused := errors.AsType[*bot.Refusal](err)
			if refused != (c.code != 0) || refused && refusal.Code != c.code || !refused && !strings.Contains(answer.Message.Title, "No panel’s data is in doubt") {
				t.Errorf("got %q, %v", answer.Message.Title, err)
			}
			if acts, err := p.Journal.AuditOf(t.Context(), "", 9); err != nil || len(acts) > 0 {
				t.Errorf("the audit has %+v, %v", acts, err)
			}
		})
	}
}
