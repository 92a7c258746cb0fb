package journal_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// killedJournal names the file that a child process writes to until it is
// killed.
const killedJournal = "JOURNAL_KILLED"

// TestKilledChild is the child: it opens and resolves incidents, with a
// delivery for each, and prints a line when it has recorded one.
func TestKilledChild(t *testing.T) {
	path := os.Getenv(killedJournal)
	if path == "" {
		t.Skip("this is the child process of TestKill")
	}
	j := reopen(t, path)
	for round := 0; ; round++ {
		e := journal.Entry{At: noon()}
		for _, i := range openIncidents(t, j) {
			if i.ID%3 == 0 {
				i.Times.Resolved = noon()
				e.Changes = append(e.Changes, reports.Change{Kind: reports.Resolved, Incident: i})
			}
		}
		for n := range 5 {
			i := overdue(fmt.Sprintf("site%d-%d-%d.example", os.Getpid(), round, n), 0)
			pr := problemOf(i)
			i.Joins = pr.Key
			d := say(fmt.Sprint("c:", n), i.Finding.Site)
			d.ProblemKey = pr.Key
			d.Message.Actions = []reports.Action{{Label: "Take", Command: "ack " + reports.ProblemMark}}
			e.Problems = append(e.Problems, pr)
			e.Changes = append(e.Changes, reports.Change{Kind: reports.Opened, Incident: i})
			e.Deliveries = append(e.Deliveries, d)
		}
		must(t, j.Record(t.Context(), e))
		must(t, j.Audit(t.Context(), journal.AuditEntry{At: noon(), Command: "record", Args: fmt.Sprint(round)}))
		fmt.Println("recorded")
	}
}

// TestKill kills a writing process with SIGKILL again and again: afterwards
// every incident has its problem and its delivery, every delivery its problem
// and its button, and nothing that was recorded is lost.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "journal.db")
	rnd := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	recorded := 0
	for range 6 {
		recorded += 5 * runAndKill(t, path, 1+rnd.IntN(40), rnd.IntN(100_000))
		j, err := journal.Open(t.Context(), path)
		must(t, err)
		checkWhole(t, j, recorded)
		must(t, j.Close())
	}
}

// runAndKill lets a child record that many times, and kills it after spinning
// for some time, so that the signal can arrive at any point.
func runAndKill(t *testing.T, path string, records, spin int) (recorded int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledChild$")
	child.Env = append(os.Environ(), killedJournal+"="+path)
	out := got(child.StdoutPipe())(t)
	must(t, child.Start())
	lines := bufio.NewScanner(out)
	for recorded < records && lines.Scan() {
		if lines.Text() != "recorded" {
			rest, _ := io.ReadAll(out)
			t.Fatalf("the child failed: %s\n%s", lines.Text(), rest)
		}
		recorded++
	}
	for i := 0; i < spin; i++ {
		_ = rand.Int()
	}
	must(t, child.Process.Kill())
	for lines.Scan() {
		if lines.Text() == "recorded" { // the last line may be incomplete
			recorded++
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return recorded
}

func checkWhole(t *testing.T, j *journal.Journal, recorded int) {
	t.Helper()
	incidents := got(j.IncidentsBetween(t.Context(), noon(), noon().Add(time.Minute)))(t)
	waits, _ := waiting(t, j)
	if len(incidents) != waits || len(incidents) < recorded {
		t.Errorf("%d incidents, %d deliveries, %d known to be recorded", len(incidents), waits, recorded)
	}
	for _, i := range incidents {
		sent := got(j.SentFor(t.Context(), i.Problem))(t)
		if len(sent) != 1 || sent[0].Message.Title != i.Finding.Site {
			t.Fatalf("incident %d has the deliveries %v", i.ID, sent)
		}
		command, _, ok, err := j.Action(t.Context(), sent[0].Message.Actions[0].ID)
		must(t, err)
		if want := fmt.Sprint("ack ", i.Problem); !ok || command != want {
			t.Fatalf("its button means %q, want %q", command, want)
		}
	}
	_, _, err := j.VerifyAudit(t.Context())
	must(t, err)
}
