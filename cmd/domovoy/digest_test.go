package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/i18n"
	"domovoy/reports/journal"
)

// digest is the beginning of the digest in that language.
func (h *house) digest(language string) string {
	return h.says(language, "daily.title", i18n.Args{"Date": "\x00", "Servers": "\x00"})
}

// late is the text of a digest that is late.
func (h *house) late(language string) string { return h.says(language, "daily.late") }

func TestTheDigestComesOnSchedule(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1, daily: "@every 2s"})
	c := h.start()
	m := h.inTelegram(group, h.digest("ru"))
	if strings.Contains(m.Text, h.late("ru")) || m.Thread != topic || !m.Silent {
		t.Errorf("topic %d, silent %v: %s", m.Thread, m.Silent, m.Text)
	}
	h.inSlack(h.digest("en"))
	c.stop()
}

// A digest that was due while the program did not run is sent once, marked as
// late; the next start does not repeat it.
func TestAMissedDigestComesOnceLateAndSaysSo(t *testing.T) {
	t.Parallel()
	due := time.Now().UTC().Add(-20 * time.Minute).Truncate(time.Minute)
	h := newHouse(t, settings{resolveAfter: 1, daily: fmt.Sprintf("%d %d * * *", due.Minute(), due.Hour())})
	c := h.start()
	h.baseline()
	c.stop() // a job that never ran has not missed a run
	h.ran("daily", due.AddDate(0, 0, -1))

	c = h.start()
	h.inTelegram(group, h.digest("ru"), h.late("ru"))
	h.inSlack(h.digest("en"), h.late("en"))
	c.stop()

	c = h.start()
	h.ask("again.ru.example", "again.en.example")
	h.inTelegram(group, "again.ru.example")
	h.inSlack("again.en.example")
	c.stop()
	digests := 0
	for _, m := range h.telegram.Messages(group) {
		digests += strings.Count(m.Text, h.digest("ru"))
	}
	if digests != 1 {
		t.Errorf("%d digests, want one", digests)
	}
}

// ran records in the state file that a job did its run of that time.
func (h *house) ran(job string, due time.Time) {
	h.Helper()
	j, err := journal.Open(h.Context(), filepath.Join(h.folder, "state", "domovoy.db"))
	h.must(err)
	_, err = j.StartRun(h.Context(), job, due, due)
	h.must(err)
	h.must(j.FinishRun(h.Context(), job, due, due, ""))
	h.must(j.Close())
}
