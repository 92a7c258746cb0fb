package state_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/people"
	"domovoy/bot/state"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// wall is a receiver that notes what it gets, and refuses the first messages.
type wall struct {
	mu      sync.Mutex
	refuses int
	got     []string
}

func (w *wall) Send(_ context.Context, to bot.Address, _ string, m reports.Message) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuses > 0 {
		w.refuses--
		return "", errors.New("not now")
	}
	w.got = append(w.got, to.String()+": "+m.Title)
	return "1", nil
}

// took returns what it got since the last call, in order of the text.
func (w *wall) took() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := slices.Sorted(slices.Values(w.got))
	w.got = nil
	return got
}

// kept is a keeper of a journal in a folder, over a wall.
type kept struct {
	*state.Keeper
	t       *testing.T
	wall    *wall
	journal *journal.Journal
	path    string
}

func newKept(t *testing.T) *kept {
	t.Helper()
	k := &kept{t: t, wall: &wall{}, path: filepath.Join(t.TempDir(), "state.db")}
	var err error
	if k.journal, err = journal.Open(t.Context(), k.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.journal.Close() })
	who := bot.Audience{Bundle: enginetest.Bundle(t), Zone: time.UTC, Language: "en", People: map[string]bot.Role{"wall:ann": bot.Admin},
		Chats: []bot.Chat{{To: bot.Address{Messenger: "wall", Chat: "ops"}, Receives: []string{bot.Alerts}, Role: bot.Viewer},
			{To: bot.Address{Messenger: "wall", Chat: "boss"}, Receives: []string{bot.Daily}}}}
	k.Keeper = state.New(k.journal, people.New(who, k.journal), map[string]bot.Receiver{"wall": k.wall}, bot.NewSignal(), slog.New(slog.DiscardHandler))
	return k
}

// queued returns the titles of the messages that wait in the journal, and takes
// them out.
func (k *kept) queued() []string {
	k.t.Helper()
	due, err := k.journal.Due(k.t.Context(), time.Now().Add(time.Hour), journal.Queue{}, 9)
	if err != nil {
		k.t.Fatal(err)
	}
	var titles []string
	for _, d := range due {
		titles = append(titles, d.To+": "+d.Message.Title)
		if err := k.journal.MarkSent(k.t.Context(), d.ID, "1", time.Now()); err != nil {
			k.t.Fatal(err)
		}
	}
	return titles
}

func (k *kept) want(what string, got []string, want ...string) {
	k.t.Helper()
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		k.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// A fault of the state is said once, from memory, however long it lasts, and its
// end once; who asks meanwhile is told why there is no answer, once in a while.
func TestAFaultIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		k.Look(t.Context())
		k.want("while all is well", append(k.wall.took(), k.queued()...))

		if err := errors.Join(os.Rename(k.path, k.path+".aside"), os.WriteFile(k.path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		k.wall.refuses = 2 // the messenger has its own troubles
		for range 20 {
			k.Look(t.Context())
		}
		k.want("a fault", k.wall.took(), "wall:ops: Domovoy: another file is in place of the state file")
		if k.Healthy() {
			t.Error("it counts as healthy")
		}
		ask := func(person, chat string) {
			k.Excuse(t.Context(), bot.Update{Person: person, Chat: chat}, errors.New("cannot be stored"))
		}
		for range 3 {
			ask("wall:ann", "wall:ann")
			ask("wall:eve", "wall:eve") // a stranger gets none
			ask("wall:bob", "wall:ops")
		}
		k.want("questions", k.wall.took(), "wall:ann: Cannot store the request: another file", "wall:ops: Cannot store the request")
		time.Sleep(10 * time.Minute)
		ask("wall:ann", "wall:ann")
		k.want("a question later", k.wall.took(), "wall:ann: Cannot store the request")

		if err := os.Rename(k.path+".aside", k.path); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			k.Look(t.Context())
		}
		k.want("its end", append(k.wall.took(), k.queued()...), "wall:ops: Domovoy: the state can be written again")
		if !k.Healthy() {
			t.Error("it does not count as healthy")
		}
		ask("wall:ann", "wall:ann")
		k.want("an error that is no fault of the state", k.wall.took())
	})
}

// A deleted state is put back, a damaged one is moved aside: each is said.
func TestWhatIsMendedIsSaid(t *testing.T) {
	k := newKept(t)
	if err := os.Remove(k.path); err != nil {
		t.Fatal(err)
	}
	k.Look(t.Context())
	k.Look(t.Context())
	k.want("deleted", k.queued(), "wall:ops: Domovoy: the state file was deleted while in use and has been put back")

	content, err := os.ReadFile(k.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(content); i++ {
		content[i] = 0x5a
	}
	if err := errors.Join(os.WriteFile(k.path, content, 0o600), os.Truncate(k.path+"-wal", 0)); err != nil {
		t.Fatal(err)
	}
	_, _ = k.journal.OpenIncidents(t.Context()) // the first query that meets the damage
	k.Look(t.Context())
	k.Look(t.Context())
	k.want("damaged", k.queued(), "wall:ops: Domovoy: the state file was damaged, a new one has been started")
	if aside, _ := filepath.Glob(k.path + ".corrupt-*"); len(aside) == 0 {
		t.Error("the damaged file is not aside")
	}
}

// An audit that was tampered with is told once; if its end was cut off, at once.
func TestATamperedAuditIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		for range 3 {
			if err := k.journal.Audit(t.Context(), journal.AuditEntry{At: time.Now(), Command: "cancel"}); err != nil {
				t.Fatal(err)
			}
		}
		k.Look(t.Context())
		k.want("whole", k.queued())
		db, err := sql.Open("sqlite", "file:"+k.path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.ExecContext(t.Context(), "DROP TRIGGER audit_kept; DELETE FROM audit WHERE id = 3")
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		k.Look(t.Context())
		k.want("cut off", k.queued(), "wall:ops: The audit was tampered with")
		for range 3 {
			if err := k.journal.Audit(t.Context(), journal.AuditEntry{At: time.Now(), Command: "cancel"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(25 * time.Hour)
			k.Look(t.Context())
		}
		k.want("for days, with more entries", k.queued())
	})
}
