package commands

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// CheckData is the JSON of check.
type CheckData struct {
	Domain   string        `json:"domain"`
	Unicode  string        `json:"unicode"`
	Server   string        `json:"server"`
	Node     string        `json:"node,omitempty" jsonschema:"of a cluster, where it is known"`
	Owner    string        `json:"owner"`
	Verdict  VerdictData   `json:"verdict"`
	Findings []FindingData `json:"findings"`
	Failures []FailureData `json:"failures"`
	Attempts []AttemptData `json:"attempts"`
	Drop     []NameData    `json:"drop,omitempty" jsonschema:"aliases because of which no certificate is issued"`
	Pass     []string      `json:"pass,omitempty" jsonschema:"the names that it would be issued for without Drop; absent: that is not known of all"`
}

// VerdictData is the one root cause with the next step.
type VerdictData struct {
	Code     checks.Code     `json:"code"`
	Severity checks.Severity `json:"severity"`
	Args     checks.Args     `json:"args"`
	Next     NextData        `json:"next"`
}

// NextData is the next step and who takes it.
type NextData struct {
	Who  checks.Who `json:"who"`
	Text string     `json:"text"`
}

// FindingData is one finding.
type FindingData struct {
	Code     checks.Code     `json:"code"`
	Severity checks.Severity `json:"severity"`
	Args     checks.Args     `json:"args"`
	Detail   string          `json:"detail"`
}

// FailureData is a check that could not look.
type FailureData struct {
	Check string `json:"check"`
	Error string `json:"error"`
}

// AttemptData is one attempt to issue. Time is null where it cannot be read.
type AttemptData struct {
	Time        *time.Time `json:"time"`
	Certificate string     `json:"certificate"`
	Outcome     string     `json:"outcome" jsonschema:"failed, issued, other"`
	Status      string     `json:"status"`
	Code        string     `json:"code,omitempty" jsonschema:"what the words mean"`
	Text        string     `json:"text"`
	Unpause     string     `json:"unpause,omitempty" jsonschema:"the link that unpauses, for administrators"`
}

// check answers what is wrong with a site.
func (s sites) check(ctx context.Context, r bot.Request) (bot.Answer, error) {
	site, err := s.find(ctx, "check", r)
	if err != nil {
		return bot.Answer{}, err
	}
	if site, err = s.prober.Site(ctx, site, r); err != nil {
		return bot.Answer{}, err
	}
	if site.Attempts, err = s.attempts(ctx, site, 10); err != nil {
		return bot.Answer{}, err
	}
	m := compose.Check(r.Writer(), site)
	if s.pages != nil && s.pages.IsOn() && r.Role >= bot.Operator {
		m.Actions = append(m.Actions, compose.ShareAction(r.Writer(), site.Subject.Site.Name))
	}
	return bot.Answer{Message: m, Data: checkData(site, r.Writer())}, nil
}

// attempts of a site, newest first: of the certificate it uses, and of the
// orders before it.
func (s sites) attempts(ctx context.Context, site reports.Site, limit int) ([]reports.ClassifiedAttempt, error) {
	found, err := s.journal.AttemptsOf(ctx, site.Server.Name, site.Certificates(), limit)
	if err != nil {
		return nil, err
	}
	tries := make([]reports.ClassifiedAttempt, len(found))
	for i, a := range found {
		tries[i].Attempt = a
		if a.Outcome == checks.OutcomeFailed {
			tries[i].Code, tries[i].Args = s.watch.Classify(a.Text)
		}
	}
	return tries, nil
}

// checkData is for the same reader as the writer's messages.
func checkData(s reports.Site, w compose.Writer) CheckData {
	site, verdict := s.Subject.Site, s.Verdict()
	cause := s.Cause(verdict)
	data := CheckData{
		Domain: site.Name, Unicode: site.Unicode(), Server: site.Server, Node: site.Node, Owner: site.Owner,
		Verdict: VerdictData{Code: verdict.Code, Severity: verdict.Severity, Args: w.Visible(cause.Args),
			Next: NextData{Who: cause.Who(), Text: w.Step(cause)}},
		Findings: []FindingData{}, Failures: []FailureData{}, Attempts: []AttemptData{},
	}
	for _, f := range s.Findings() {
		data.Findings = append(data.Findings, FindingData{f.Code, f.Severity, w.Visible(f.Args), checks.WithoutSecrets(f.Detail)})
	}
	for _, f := range s.Server.Failures(site.Name) {
		data.Failures = append(data.Failures, FailureData{f.Check, f.Err})
	}
	if names, ok, unsure := s.Droppable(); ok || unsure {
		data.Drop = dropData(names)
		if ok {
			data.Pass = names.Pass
		}
	}
	for _, a := range s.Attempts {
		data.Attempts = append(data.Attempts, attemptData(a, w))
	}
	return data
}

func attemptData(a reports.ClassifiedAttempt, w compose.Writer) AttemptData {
	data := AttemptData{Certificate: a.Certificate, Outcome: a.Outcome.String(), Status: a.Status, Code: string(a.Code), Text: checks.WithoutSecrets(a.Text)}
	data.Unpause, _ = w.Visible(a.Args)[checks.Secret].(string)
	if !a.Time.IsZero() {
		data.Time = &a.Time
	}
	return data
}
