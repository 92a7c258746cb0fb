package journal_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// overdue is an incident about a site, opened minutes before noon.
func overdue(site string, minutes int) reports.Incident {
	opened := noon().Add(-time.Duration(minutes) * time.Minute)
	return reports.Incident{
		Finding: checks.Finding{Check: "cert", Server: "isp1", Site: site, Code: checks.CertOverdue, Severity: checks.Warning},
		Worst:   checks.Warning, Times: reports.IncidentTimes{Opened: opened, Seen: opened},
	}
}

// record stores incidents, one change each.
func record(t *testing.T, j *journal.Journal, incidents ...reports.Incident) {
	t.Helper()
	e := journal.Entry{At: noon()}
	for _, i := range incidents {
		e.Changes = append(e.Changes, reports.Change{Kind: reports.Opened, Incident: i})
	}
	must(t, j.Record(t.Context(), e))
}

func openIncidents(t *testing.T, j *journal.Journal) []reports.Incident {
	t.Helper()
	return got(j.OpenIncidents(t.Context()))(t)
}

func TestAnIncidentComesBackAsItWas(t *testing.T) {
	j := open(t)
	want := reports.Incident{
		Finding: checks.Finding{
			Check: "panel", Server: "isp1", Site: "xn--e1afmkfd.xn--p1ai", Name: "www.xn--e1afmkfd.xn--p1ai",
			Code: checks.PanelProcessing, Severity: checks.Critical, Detail: "<raw> & \"quoted\"", From: "fra1",
			Args: checks.Args{
				"count": 127, "owner": "client17", "sure": true, "since": noon(), "age": 90 * time.Minute,
				"share": 0.5, "names": []string{"a.example", "b.example"}, "none": nil, "big": 1 << 53,
			},
		},
		Peak: 163, Worst: checks.Critical, Notified: checks.Warning, Held: "quiet", Clear: 1, Baseline: true, Improved: true,
		Times: reports.IncidentTimes{Opened: noon(), Seen: noon().Add(time.Minute), Notified: noon().Add(2 * time.Minute)},
	}
	record(t, j, want)
	want.ID = 1
	same(t, "incidents", openIncidents(t, j), []reports.Incident{want})
}

func TestAnIncidentsLife(t *testing.T) {
	j := open(t)
	record(t, j, overdue("a.example", 30), overdue("b.example", 20))
	known := openIncidents(t, j)
	same(t, "open", len(known), 2)

	a := known[0]
	a.Peak, a.Times.Seen = 3, noon()
	again := overdue("b.example", 5) // without its ID: the open one continues
	again.Peak = 9
	record(t, j, a, again)
	known = openIncidents(t, j)
	same(t, "still two", len(known), 2)
	same(t, "peaks", []int{known[0].Peak, known[1].Peak}, []int{3, 9})
	same(t, "when b was opened", known[1].Times.Opened, noon().Add(-20*time.Minute))

	a.Times.Resolved = noon()
	record(t, j, a)
	same(t, "b is left", openIncidents(t, j), known[1:])
	record(t, j, overdue("a.example", 0)) // once more
	history := got(j.IncidentsOf(t.Context(), "isp1", "a.example", 10))(t)
	same(t, "a's history", []int64{history[0].ID, history[1].ID}, []int64{3, 1})
	if first := history[1]; !first.Times.Resolved.Equal(noon()) {
		t.Errorf("got %v", first)
	}
}

func TestIncidentsBetween(t *testing.T) {
	j := open(t)
	resolved := func(site string, opened, resolved int) reports.Incident {
		i := overdue(site, opened)
		i.Times.Resolved = noon().Add(-time.Duration(resolved) * time.Minute)
		return i
	}
	record(t, j, overdue("before", 61), overdue("start", 60), overdue("in", 30), overdue("end", 0),
		resolved("over before", 90, 61), resolved("over in", 90, 60), resolved("over after", 90, 0))
	found := got(j.IncidentsBetween(t.Context(), noon().Add(-time.Hour), noon()))(t)
	var sites []string
	for _, i := range found {
		sites = append(sites, i.Finding.Site)
	}
	same(t, "sites", sites, []string{"over in", "start", "in"})
}

func TestBaseline(t *testing.T) {
	j := open(t)
	_, ok, err := j.BaselineAt(t.Context(), "isp1")
	must(t, err)
	same(t, "before", ok, false)
	must(t, j.Record(t.Context(), journal.Entry{At: noon(), Baseline: []string{"isp1"}}))
	must(t, j.Record(t.Context(), journal.Entry{At: noon().Add(time.Hour), Baseline: []string{"isp1"}}))
	at, ok, err := j.BaselineAt(t.Context(), "isp1")
	must(t, err)
	if !ok || !at.Equal(noon()) {
		t.Errorf("got %v, %t: the first one holds", at, ok)
	}
}

func TestADeliveryFindsItsProblem(t *testing.T) {
	j := open(t)
	e := opening("a.example")
	alert := say("telegram:-1", "a")
	alert.Attempt.Created = time.Time{} // when it is recorded
	alert.ProblemKey, alert.Message.Actions = e.Problems[0].Key, []reports.Action{{Label: "Take", Command: "ack " + reports.ProblemMark}}
	e.Deliveries = []journal.Delivery{alert}
	must(t, j.Record(t.Context(), e))
	// A later run reports it again, by its key alone.
	must(t, j.Record(t.Context(), journal.Entry{At: noon().Add(time.Hour), Deliveries: []journal.Delivery{alert}}))

	id := openIncidents(t, j)[0].Problem
	sent := got(j.SentFor(t.Context(), id))(t)
	same(t, "messages", len(sent), 2)
	same(t, "created", sent[1].Attempt.Created, noon().Add(time.Hour))
	command, _, _, err := j.Action(t.Context(), sent[0].Message.Actions[0].ID)
	must(t, err)
	same(t, "what the button means", command, "ack 1")
}

func TestRecordIsAllOrNothing(t *testing.T) {
	good := journal.Delivery{To: "telegram:-1", Message: reports.Message{Title: "hello"}}
	for name, c := range map[string]struct {
		change   func(*journal.Entry)
		complain string
	}{
		"a problem that is not open": {func(e *journal.Entry) {
			e.Deliveries = append(e.Deliveries, journal.Delivery{To: "telegram:-1", ProblemKey: "isp1/*//cert.overdue"})
		}, "there is no open problem isp1/*//cert.overdue"},
		"an incident of no problem": {func(e *journal.Entry) {
			i := overdue("b.example", 0)
			i.Joins = "isp1/*//cert.overdue"
			e.Changes = append(e.Changes, reports.Change{Incident: i})
		}, "there is no open problem isp1/*//cert.overdue"},
		"a problem that never was": {func(e *journal.Entry) {
			e.Problems = append(e.Problems, reports.Problem{ID: 99, Key: "k"})
		}, "there is no problem 99"},
		"an incident that never was": {func(e *journal.Entry) {
			i := overdue("b.example", 0)
			i.ID = 99
			e.Changes = append(e.Changes, reports.Change{Incident: i})
		}, "there is no incident 99"},
		"a delivery to nowhere": {func(e *journal.Entry) {
			e.Deliveries = append(e.Deliveries, journal.Delivery{Kind: "alert"})
		}, "has no address"},
		"an edit of nothing": {func(e *journal.Entry) {
			e.Deliveries = append(e.Deliveries, journal.Delivery{Edits: 99})
		}, "there is no delivery 99"},
		"an argument that cannot be stored": {func(e *journal.Entry) {
			i := overdue("b.example", 0)
			i.Finding.Args = checks.Args{"f": func() {}}
			e.Changes = append(e.Changes, reports.Change{Incident: i})
		}, "storing the finding isp1/b.example//cert.overdue"},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			e := journal.Entry{
				At: noon(), Changes: []reports.Change{{Incident: overdue("a.example", 0)}}, Deliveries: []journal.Delivery{good},
				Metrics: []checks.Metric{{Server: "isp1", Code: checks.PanelFailed, Value: 1}}, Baseline: []string{"isp1"},
			}
			c.change(&e)
			err := j.Record(t.Context(), e)
			if err == nil || !strings.Contains(err.Error(), c.complain) {
				t.Fatalf("got %v, want %q", err, c.complain)
			}
			waiting, _, err := j.Waiting(t.Context())
			must(t, err)
			_, watched, err := j.BaselineAt(t.Context(), "isp1")
			must(t, err)
			_, measured, err := j.MetricAt(t.Context(), "isp1", checks.PanelFailed, noon(), time.Hour)
			must(t, err)
			if len(openIncidents(t, j)) != 0 || waiting != 0 || watched || measured {
				t.Error("a part of the entry was stored")
			}
		})
	}
}

// TestOpenIncidentsAreKeptRight stores incidents with two journals on one file
// in turn. The cache of the first must equal the file.
func TestOpenIncidentsAreKeptRight(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	ours, others := reopen(t, path), reopen(t, path)
	dice := rand.New(rand.NewPCG(1, 2))
	for turn := range 60 {
		by := ours
		if dice.IntN(5) == 0 {
			by = others
		}
		record(t, by, news(openIncidents(t, by), dice, turn)...)
		if dice.IntN(3) == 0 {
			continue // several changes before the next look
		}
		fromFile := reopen(t, path)
		same(t, fmt.Sprintf("open after turn %d", turn), openIncidents(t, ours), openIncidents(t, fromFile))
	}
}

// news returns incidents that opened, continued or ended since the last turn.
func news(open []reports.Incident, dice *rand.Rand, turn int) []reports.Incident {
	fresh := []reports.Incident{overdue(fmt.Sprintf("s%d.example", turn), turn)}
	for _, i := range open {
		switch dice.IntN(6) {
		case 0:
			i.Times.Resolved = noon()
			fresh = append(fresh, i)
		case 1:
			i.Peak += turn
			fresh = append(fresh, i)
		}
	}
	return fresh
}

// Callers share a list, so that what happens next makes another one: what changes,
// what ends, what begins, and what a caller appends.
func TestAListOfOpenIncidentsStaysAsItIs(t *testing.T) {
	j := open(t)
	record(t, j, overdue("a.example", 1), overdue("b.example", 2), overdue("c.example", 3))
	first := openIncidents(t, j)
	was := slices.Clone(first)
	_ = append(first, first[0])
	worse, over := first[0], first[1]
	worse.Peak, over.Times.Resolved = 7, noon()
	record(t, j, worse, over, overdue("d.example", 4))
	same(t, "the list of before", first, was)
	now := openIncidents(t, j)
	var sites []string
	for _, i := range now {
		sites = append(sites, i.Finding.Site)
	}
	same(t, "the list of now", sites, []string{"a.example", "c.example", "d.example"})
	same(t, "the one that changed", now[0].Peak, 7)
}

func TestARecordThatFailsLeavesOpenIncidentsAsTheyWere(t *testing.T) {
	j := open(t)
	record(t, j, overdue("a.example", 1))
	before := openIncidents(t, j)
	changed := before[0]
	changed.Peak = 7
	err := j.Record(t.Context(), journal.Entry{At: noon(),
		Changes: []reports.Change{{Incident: changed}}, Deliveries: []journal.Delivery{{To: "console:", ProblemKey: "of nothing"}}})
	if err == nil {
		t.Fatal("a delivery of an unknown problem was stored")
	}
	same(t, "open", openIncidents(t, j), before)
}
