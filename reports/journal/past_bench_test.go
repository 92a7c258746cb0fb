package journal

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"domovoy/reports"
)

// BenchmarkPast measures what happens all the time in a state that has delivered many
// answers within a day: none of it may take longer because of them.
func BenchmarkPast(b *testing.B) {
	for _, n := range []int{40_000, 200_000} {
		j := delivered(b, n)
		ctx, now := b.Context(), time.Now()
		asked := 0
		for _, act := range []struct {
			name string
			do   func() error
		}{
			{"state of the delivery", func() error { _, err := j.DeliverySummary(ctx, now.Add(-24*time.Hour)); return err }},
			{"nothing is due", func() error {
				_, err := j.Due(ctx, now, Queue{Messenger: "slack"}, 256)
				if err == nil {
					_, _, err = j.NextDue(ctx, Queue{Messenger: "slack"}, now)
				}
				return err
			}},
			{"a question is answered", func() error { asked++; return answerOne(ctx, j, fmt.Sprint("new ", asked)) }},
			{"a page is turned", func() error { _, _, err := j.Shown(ctx, "slack:C3", "none"); return err }},
			{"how a chat fares", func() error { _, err := j.ChatDelivery(ctx, "slack:C3"); return err }},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, act.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := act.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkPruneAnswers deletes 10,000 answers, beside 40,000 that are kept.
func BenchmarkPruneAnswers(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		j := delivered(b, 50_000)
		if _, err := j.write.db.ExecContext(b.Context(), `UPDATE delivery SET created = 1 WHERE id <= 10000`); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := j.Prune(b.Context(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

// answerOne receives a question, answers it and sends the answer.
func answerOne(ctx context.Context, j *Journal, key string) error {
	if _, err := j.Receive(ctx, "slack", []Update{{Key: key, Chat: "slack:C3", Person: "slack:U1", Name: "ann", Text: "status", At: time.Now()}}, ""); err != nil {
		return err
	}
	asked, err := j.Unanswered(ctx, func(string, string) bool { return true }, nil, 10)
	if err != nil {
		return err
	}
	said := Delivery{To: "slack:C3", Kind: AnswerKind, Message: reports.Message{Language: "en", Title: "fine", Sections: []reports.Section{{Text: strings.Repeat("text ", 400)}}}}
	ids, err := j.Answer(ctx, asked[0].ID, []Delivery{said}, nil)
	if err != nil {
		return err
	}
	due, err := j.Due(ctx, time.Now(), Queue{Messenger: "slack", Bare: true}, 256)
	if err != nil || len(due) != 1 {
		return fmt.Errorf("%d are due: %w", len(due), err)
	}
	if err := j.MarkBegun(ctx, ids[0], time.Now(), 1); err != nil {
		return err
	}
	return j.MarkSent(ctx, ids[0], key, time.Now())
}

// delivered returns a journal that has delivered n answers in the last minutes.
func delivered(b *testing.B, n int) *Journal {
	j, err := Open(b.Context(), b.TempDir()+"/state.db")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.Close() })
	if err := answerOne(b.Context(), j, "first"); err != nil {
		b.Fatal(err)
	}
	const more = ` FROM (WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n), `
	for _, query := range []string{
		`INSERT INTO delivery (chat, kind, rank, reply_to, message, state, next, due, created, ref, sent_at)
			SELECT 'slack:C' || i % 14, kind, rank, i, message, state, next, due, created + i, 'r' || i, sent_at + i` + more + `delivery WHERE id = 1`,
		`INSERT INTO inbox (messenger, key, chat, private, person, name, language, text, button, ref, at, handled)
			SELECT messenger, i, chat, private, person, name, language, text, button, ref, at, handled` + more + `inbox WHERE id = 1`,
	} {
		if _, err := j.write.db.ExecContext(b.Context(), query, n); err != nil {
			b.Fatal(err)
		}
	}
	return j
}
