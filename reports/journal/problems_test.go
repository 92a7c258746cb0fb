package journal_test

import (
	"errors"
	"testing"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// problemOf is the problem that has one incident, told at noon.
func problemOf(i reports.Incident) reports.Problem {
	f := i.Finding
	return reports.Problem{Key: f.Key(), Server: f.Server, Cause: f.Code, Worst: f.Severity, Opened: i.Times.Opened,
		Told: reports.Told{Reason: reports.Opened, Severity: f.Severity, Value: 1, At: noon()}}
}

// opening is an entry that opens an incident of a site with a problem of its
// own.
func opening(site string) journal.Entry {
	i := overdue(site, 0)
	pr := problemOf(i)
	i.Joins = pr.Key
	return journal.Entry{At: noon(), Changes: []reports.Change{{Kind: reports.Opened, Incident: i}}, Problems: []reports.Problem{pr}}
}

func standing(t *testing.T, j *journal.Journal) journal.Standing {
	t.Helper()
	return got(j.Standing(t.Context(), noon()))(t)
}

func TestAProblemComesBackAsItWas(t *testing.T) {
	j := open(t)
	want := problemOf(overdue("a.example", 5))
	want.Peak, want.Baseline = 7, true
	want.Life = reports.Life{Taken: reports.Taking{Person: "telegram:42", Name: "Анна", At: noon(), Until: noon().Add(time.Hour)},
		Handed: reports.Handing{To: "@ivan", By: "Анна", At: noon()}, Waiting: noon(), Step: 2, Held: "silence 3",
		Flapping: reports.Flapping{Since: noon().Add(-time.Hour), Times: 4, Changed: noon(), Told: true}}
	silence := reports.Silence{Match: reports.Match{Problem: 1, Site: "*.ru", Owner: "client1*", Cause: "cert", Server: "isp1/node2"}, Reason: "переезд",
		Person: "telegram:42", Name: "Анна", Created: noon(), Start: noon(), End: noon().Add(time.Hour)}
	stored := got(j.RecordNumbered(t.Context(), journal.Entry{At: noon(), Problems: []reports.Problem{want}, Silences: []reports.Silence{silence}}))(t)
	want.ID, silence.ID = stored.Problems[want.Key], stored.Silences[0]
	same(t, "standing", standing(t, j), journal.Standing{Revision: 2, Problems: []reports.Problem{want}, Silences: []reports.Silence{silence}})
	one, ok, err := j.Problem(t.Context(), want.ID)
	must(t, err)
	same(t, "found", ok, true)
	same(t, "by its number", one, want)
}

// TestADecisionOnOldProblemsIsNotStored has two decisions rest on one state: the
// second is refused whole.
func TestADecisionOnOldProblemsIsNotStored(t *testing.T) {
	j := open(t)
	must(t, j.Record(t.Context(), opening("a.example")))
	state := standing(t, j)
	taken := func(by string) journal.Entry {
		pr := state.Problems[0]
		pr.Life.Taken = reports.Taking{Person: by, At: noon(), Until: noon().Add(time.Hour)}
		return journal.Entry{At: noon(), Revision: state.Revision, Problems: []reports.Problem{pr},
			Audit: &journal.AuditEntry{At: noon(), Person: by, Command: "ack"}, Deliveries: []journal.Delivery{say("c:1", by)}}
	}
	must(t, j.Record(t.Context(), taken("first")))
	if err := j.Record(t.Context(), taken("second")); !errors.Is(err, journal.ErrStale) {
		t.Fatalf("got %v", err)
	}
	same(t, "who has it", standing(t, j).Problems[0].Life.Taken.Person, "first")
	same(t, "what is told", sendAll(t, j), []string{"c:1 first"})
	acts := got(j.AuditOf(t.Context(), "", 9))(t)
	same(t, "acts", len(acts), 1)
	same(t, "whose", acts[0].Person, "first")
}

// TestTakingWithdrawsWhatWaits takes a problem of which messages wait: what says
// that nobody took it is not sent any more, what says that it is there is.
func TestTakingWithdrawsWhatWaits(t *testing.T) {
	j := open(t)
	e := opening("a.example")
	for _, reason := range []reports.Reason{reports.Opened, reports.Reminded, reports.Escalated, reports.Worsened} {
		d := say("c:1", string(reason))
		d.Kind, d.ProblemKey = string(reason), e.Problems[0].Key
		e.Deliveries = append(e.Deliveries, d)
	}
	must(t, j.Record(t.Context(), e))
	must(t, j.Record(t.Context(), opening("b.example")))
	must(t, j.Record(t.Context(), journal.Entry{At: noon(), Withdraw: []int64{1}}))
	same(t, "sent", sendAll(t, j), []string{"c:1 opened", "c:1 worsened"})
}

func TestOpens(t *testing.T) {
	j := open(t)
	past := func(site string, minutes int) reports.Incident {
		i := overdue(site, minutes)
		i.Times.Resolved = noon()
		return i
	}
	record(t, j, past("a.example", 90), past("a.example", 50), past("a.example", 20), past("b.example", 10))
	record(t, j, overdue("a.example", 5)) // not over
	key := overdue("a.example", 0).Finding.Key()
	same(t, "openings", got(j.Opens(t.Context(), []string{key, "unknown"}, noon().Add(-time.Hour)))(t),
		map[string][]time.Time{key: {noon().Add(-50 * time.Minute), noon().Add(-20 * time.Minute)}})
}
