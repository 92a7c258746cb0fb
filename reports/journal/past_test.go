package journal

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/reports"
)

// sections are stored with a message until it is delivered.
func sections() []reports.Section { return []reports.Section{{Text: "a long list"}} }

// TestWhatIsKeptOfADeliveredMessage sends messages: only those that may be changed later
// are kept whole.
func TestWhatIsKeptOfADeliveredMessage(t *testing.T) {
	j := openedAt(t, filepath.Join(t.TempDir(), "state.db"))
	const problem = 1
	if _, err := j.write.db.ExecContext(t.Context(), `INSERT INTO problem (id, key, server, cause, worst, peak, baseline, opened, resolved, reason, told, told_value, told_at, life)
		VALUES (1, 'k', 'isp1', 'c', 1, 1, 0, 1, 0, 'opened', 1, 1, 1, '{}')`); err != nil {
		t.Fatal(err)
	}
	many := make([]reports.Action, 40)
	for i := range many {
		many[i] = reports.Action{Label: "why", Command: "why"}
	}
	for _, c := range []struct {
		name  string
		d     Delivery
		whole bool
	}{
		{"an answer", Delivery{Kind: AnswerKind}, false},
		{"an answer with buttons", Delivery{Kind: AnswerKind, Message: reports.Message{Actions: many[:1]}}, false},
		{"an answer with pages of buttons", Delivery{Kind: AnswerKind, Message: reports.Message{Actions: many}}, true},
		{"a digest", Delivery{Kind: "daily"}, false},
		{"an alert", Delivery{Kind: "opened", Problem: problem}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.d.To = "slack:C1"
			c.d.Message.Language, c.d.Message.Tone, c.d.Message.Title, c.d.Message.Sections = "ru", reports.ToneOver, c.name, sections()
			ids, err := j.Enqueue(t.Context(), []Delivery{c.d})
			if err != nil {
				t.Fatal(err)
			}
			if err := j.MarkSent(t.Context(), ids[0], c.name, time.Now()); err != nil {
				t.Fatal(err)
			}
			d, ok, err := j.Shown(t.Context(), "slack:C1", c.name)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			want := reports.Message{Language: "ru", Tone: reports.ToneOver, Title: c.name}
			if c.whole {
				want.Sections, want.Actions, want.More, want.Facts = sections(), d.Message.Actions, d.Message.More, d.Message.Facts
			}
			if diff := cmp.Diff(want, d.Message); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnswersAreKeptAsLongAsTheirButtonsWork prunes after a month: an answer is deleted,
// but not while a task shows its progress in it; a digest stays.
func TestAnswersAreKeptAsLongAsTheirButtonsWork(t *testing.T) {
	j, ctx, now := openedAt(t, filepath.Join(t.TempDir(), "state.db")), t.Context(), time.Now()
	said := func(kind string) int64 {
		ids, err := j.Enqueue(ctx, []Delivery{{To: "slack:C1", Kind: kind, Message: reports.Message{Language: "en", Title: kind}}})
		if err == nil {
			err = j.MarkSent(ctx, ids[0], kind, now)
		}
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	said(AnswerKind)
	shows, digest := said(AnswerKind), said("daily")
	if _, err := j.write.db.ExecContext(ctx, `INSERT INTO task (kind, payload, person, name, role, chat, language, delivery, state, created)
		VALUES ('cancel', '{}', '', '', '', 'slack:C1', 'en', ?, 'running', 1)`, shows); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  []int64
	}{
		{29 * 24 * time.Hour, []int64{1, shows, digest}},
		{31 * 24 * time.Hour, []int64{shows, digest}},
	} {
		if err := j.Prune(ctx, now.Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, column[int64](t, j, `SELECT id FROM delivery ORDER BY id`)); diff != "" {
			t.Errorf("left after %v (-want +got):\n%s", c.after, diff)
		}
	}
}

// TestNames asks by which names people were last shown.
func TestNames(t *testing.T) {
	j, ctx := openedAt(t, filepath.Join(t.TempDir(), "state.db")), t.Context()
	for n, name := range []string{"Ann", "Anna", ""} {
		if err := j.Audit(ctx, AuditEntry{At: time.Now(), Person: "slack:U1", Name: name}); err != nil {
			t.Fatal(n, err)
		}
	}
	for _, u := range []Update{{Key: "1", Person: "slack:U2", Name: "Bob"}, {Key: "2", Person: "slack:U2", Name: "Robert"}, {Key: "3", Person: "slack:U3", Name: "Eve"}} {
		if _, err := j.Receive(ctx, "slack", []Update{u}, ""); err != nil {
			t.Fatal(err)
		}
	}
	names, err := j.Names(ctx, []string{"slack:U1", "slack:U2", "slack:U4"})
	if diff := cmp.Diff(map[string]string{"slack:U1": "Anna", "slack:U2": "Robert"}, names); diff != "" || err != nil {
		t.Errorf("names (-want +got), %v:\n%s", err, diff)
	}
}

// TestOldStateFilesLoseWhatTheyDoNotNeed opens a file from before messages were cut once
// they are delivered, and before the names in the audit were found by an index.
func TestOldStateFilesLoseWhatTheyDoNotNeed(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "j.db")
	old, err := open(ctx, path, before(t, "0024.sql"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = old.write.db.ExecContext(ctx, `INSERT INTO audit (at, person, name, role, chat, command, args, result, hash) VALUES
			(1, '', '', '', '', 'authz', 'a.example b.example', '', x''), (2, '', '', '', '', 'take', '7', '', x''), (3, '', '', '', '', 'why', 'b.example', '', x'');
		INSERT INTO delivery (chat, kind, message, reply_to, state, next, created) VALUES
			('c:1', 'answer', '{"language":"en","tone":"good","title":"sent","sections":[{"text":"x"}]}', '', 'sent', 1, 1),
			('c:1', 'answer', '{"language":"en","title":"pages","more":"m"}', '', 'sent', 1, 1),
			('c:1', 'answer', '{"language":"en","title":"waits","sections":[{"text":"x"}]}', '', 'pending', 1, 1)`)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	want := []string{`{"language":"en","tone":"good","title":"sent"}`, `{"language":"en","title":"pages","more":"m"}`, `{"language":"en","title":"waits","sections":[{"text":"x"}]}`}
	if diff := cmp.Diff(want, column[string](t, j, `SELECT message FROM delivery ORDER BY id`)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	for name, want := range map[string]int{"a.example": 1, "b.example": 2, "example": 0, "7": 0} {
		if acts, err := j.AuditOf(ctx, name, 9); err != nil || len(acts) != want {
			t.Errorf("%d entries name %s, want %d; %v", len(acts), name, want, err)
		}
	}
}

// column lists what a query of one column finds.
func column[T any](t *testing.T, j *Journal, query string) (found []T) {
	t.Helper()
	err := j.view(t.Context(), "reading", func(x *tx) (err error) { found, err = all(context.Background(), x, single[T], query); return err })
	if err != nil {
		t.Fatal(err)
	}
	return found
}
