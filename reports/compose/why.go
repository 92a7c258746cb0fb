package compose

import (
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Why is the history of a site: what was wrong, how issuing went, who did
// what.
func Why(w Writer, s reports.Site) reports.Message {
	m := w.message(reports.Plain, w.Say("why.title", i18n.Args{"Name": checks.Show(s.Subject.Site.Name)}))
	var past, attempts, acts []reports.Item
	for _, i := range s.Past {
		past = append(past, pastItem(w, s, i))
	}
	for _, g := range group(s.Attempts) {
		attempts = append(attempts, attemptItem(w, g))
	}
	for _, a := range s.Acts {
		acts = append(acts, reports.Item{Text: w.dateTime(a.At) + " — " + a.Who, Note: a.Command})
	}
	for _, part := range []struct {
		key   string
		items []reports.Item
	}{{"why.incidents", past}, {"why.attempts", attempts}, {"why.acts", acts}} {
		if len(part.items) > 0 {
			m.Sections = append(m.Sections, reports.Section{Heading: w.Say(part.key), Items: part.items})
		}
	}
	if len(m.Sections) == 0 {
		m.Sections = []reports.Section{{Text: w.Say("why.nothing")}}
	}
	m.Actions = []reports.Action{{Label: w.Say("action.check"), Command: "check " + s.Subject.Site.Name}}
	return m
}

func pastItem(w Writer, s reports.Site, i reports.Incident) reports.Item {
	item := reports.Item{Tone: toneOf(i.Finding.Severity), Text: w.title(i.Finding.Code)}
	start := s.IncidentStart(i)
	key := "why.baseline"
	if start.Exact {
		key = "why.from"
	}
	item.Note = w.Say(key, i18n.Args{"From": w.dateTime(start.At)})
	if !i.Times.Resolved.IsZero() {
		item.Tone = reports.ToneOver
		item.Note += ", " + w.lasted(start, i.Times.Resolved)
	}
	return item
}

// run is some attempts in a row that ended alike, newest first.
type run struct {
	last, first reports.ClassifiedAttempt
	n           int
}

// group folds attempts that mean the same. The words are no guide: each holds
// a token or a time of its own.
func group(attempts []reports.ClassifiedAttempt) []run {
	var runs []run
	for _, a := range attempts {
		if n := len(runs); n > 0 && runs[n-1].last.Outcome == a.Outcome && runs[n-1].last.Code == a.Code && runs[n-1].last.Status == a.Status {
			runs[n-1].first = a
			runs[n-1].n++
			continue
		}
		runs = append(runs, run{last: a, first: a, n: 1})
	}
	return runs
}

func attemptItem(w Writer, r run) reports.Item {
	key := "attempt.unclear"
	switch r.last.Outcome {
	case checks.OutcomeFailed:
		key = "attempt.failed"
	case checks.OutcomeIssued:
		key = "attempt.issued"
	}
	item := reports.Item{Text: w.Count(key, r.n, i18n.Args{"Status": r.last.Status}), Note: shorten200(checks.WithoutSecrets(r.last.Text))}
	if r.last.Code != "" {
		item.Note = w.title(r.last.Code)
	}
	if link, ok := r.last.Args[checks.Secret].(string); ok && w.Secrets {
		item.Note += ": " + link
	}
	when := w.moment(r.last.Time)
	if r.n > 1 && !r.last.Time.IsZero() && !r.first.Time.IsZero() {
		when = w.Say("attempt.between", i18n.Args{"From": w.dateTime(r.first.Time), "To": when})
	}
	item.Text = when + ": " + item.Text
	return item
}

// shorten200 keeps a log's words to a line or two.
func shorten200(s string) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > 200 {
		return string(runes[:199]) + "…"
	}
	return string(runes)
}
