package alerts_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/reports"
)

// quiet is a panel that nobody touches while it is read once a minute, and what
// the journal has of it.
type quiet struct {
	*testing.T
	panel  *lab.Panel
	disk   *enginetest.Disk
	engine *engine.Engine
	now    time.Time
}

func newQuiet(t *testing.T, change ...func(*engine.Config)) *quiet {
	t.Helper()
	panel, err := lab.NewPanel(filepath.Join(t.TempDir(), "panel.db"), lab.WithZone(time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = panel.Close() })
	for _, name := range []string{"a", "b"} {
		if _, err := panel.AddCertificate(lab.Certificate{Name: name, Domain: name + ".example"}); err != nil {
			t.Fatal(err)
		}
	}
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: panel.Path(), Zone: time.UTC})
	t.Cleanup(func() { _ = reader.Close() })
	q := &quiet{T: t, panel: panel, disk: enginetest.NewDisk(t), now: time.Now().Truncate(time.Second)}
	c := engine.Config{Journal: q.disk.Journal, Sources: []watch.Source{{Name: "isp1", Reader: reader}},
		Policy: reports.Policy{ResolveAfter: 2, Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Critical: 1}}},
		Rules:  watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 0.1}}
	for _, change := range change {
		change(&c)
	}
	q.engine = enginetest.New(t, c)
	q.read()
	return q
}

// read reads the panel a minute later and returns the open problems.
func (q *quiet) read() []string {
	q.Helper()
	q.now = q.now.Add(time.Minute)
	_ = q.engine.Alerts.Observe(q.Context(), q.now) // a test of a full disk looks at what is stored
	s, err := q.disk.Standing(q.Context(), q.now)
	if err != nil {
		q.Fatal(err)
	}
	var open []string
	for _, p := range s.Problems {
		open = append(open, string(p.Cause))
	}
	return open
}

func (q *quiet) failed(on bool) {
	q.Helper()
	if err := q.panel.SetFailed(on, "a"); err != nil {
		q.Fatal(err)
	}
}

// TestAnEndWaitsForTwoReadingsOnly ends a problem and then leaves the panel
// alone: it is over at the second reading, not when the panel would be worked
// out again anyway.
func TestAnEndWaitsForTwoReadingsOnly(t *testing.T) {
	q := newQuiet(t)
	q.failed(true)
	if open := q.read(); !slices.Equal(open, []string{"panel.failed"}) {
		t.Fatalf("open: %v", open)
	}
	q.failed(false)
	if open := q.read(); len(open) != 1 {
		t.Fatalf("over after one reading: %v", open)
	}
	if open := q.read(); len(open) != 0 {
		t.Errorf("after two readings: %v", open)
	}
}

// TestNewsThatCouldNotBeStoredComesWithTheNextReading has the disk full when a
// problem is found.
func TestNewsThatCouldNotBeStoredComesWithTheNextReading(t *testing.T) {
	q := newQuiet(t)
	q.disk.Full("INSERT ON problem")
	q.failed(true)
	if open := q.read(); len(open) != 0 {
		t.Fatalf("stored on a full disk: %v", open)
	}
	q.disk.Freed()
	if open := q.read(); !slices.Equal(open, []string{"panel.failed"}) {
		t.Errorf("at the next reading: %v", open)
	}
}
