package commands

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// WhyData is the JSON of why.
type WhyData struct {
	Domain    string         `json:"domain"`
	Unicode   string         `json:"unicode"`
	Server    string         `json:"server"`
	Incidents []IncidentData `json:"incidents"`
	Attempts  []AttemptData  `json:"attempts"`
	Acts      []ActData      `json:"acts"`
}

// IncidentData is one trouble over time. Resolved is null while it goes on.
type IncidentData struct {
	Code     checks.Code     `json:"code"`
	Severity checks.Severity `json:"severity"`
	Opened   time.Time       `json:"opened"`
	Resolved *time.Time      `json:"resolved"`
	Baseline bool            `json:"baseline" jsonschema:"it was there when the watch began"`
}

// ActData is something a person did.
type ActData struct {
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	Command string    `json:"command"`
	Result  string    `json:"result"`
}

// How much of a site's history is shown.
const (
	pastLimit    = 10
	attemptLimit = 200 // shown in groups of the same outcome
	actLimit     = 10
)

// why answers with a site's history.
func (s sites) why(ctx context.Context, r bot.Request) (bot.Answer, error) {
	site, err := s.find(ctx, "why", r)
	if err != nil {
		return bot.Answer{}, err
	}
	name := site.Subject.Site.Name
	if site.Past, err = s.journal.IncidentsOf(ctx, site.Server.Name, name, pastLimit); err != nil {
		return bot.Answer{}, err
	}
	if site.Attempts, err = s.attempts(ctx, site, attemptLimit); err != nil {
		return bot.Answer{}, err
	}
	acts, err := s.journal.AuditOf(ctx, name, actLimit)
	if err != nil {
		return bot.Answer{}, err
	}
	for _, a := range acts {
		site.Acts = append(site.Acts, reports.Act{At: a.At, Who: a.Name, Command: a.Command + " " + a.Args, Result: a.Result})
	}
	return bot.Answer{Message: compose.Why(r.Writer(), site), Data: whyData(site, r.Writer())}, nil
}

func whyData(s reports.Site, w compose.Writer) WhyData {
	site := s.Subject.Site
	data := WhyData{Domain: site.Name, Unicode: site.Unicode(), Server: site.Server,
		Incidents: []IncidentData{}, Attempts: []AttemptData{}, Acts: []ActData{}}
	for _, i := range s.Past {
		d := IncidentData{Code: i.Finding.Code, Severity: i.Finding.Severity, Opened: i.Times.Opened, Baseline: i.Baseline}
		if !i.Times.Resolved.IsZero() {
			d.Resolved = &i.Times.Resolved
		}
		data.Incidents = append(data.Incidents, d)
	}
	for _, a := range s.Attempts {
		data.Attempts = append(data.Attempts, attemptData(a, w))
	}
	for _, a := range s.Acts {
		data.Acts = append(data.Acts, ActData(a))
	}
	return data
}
