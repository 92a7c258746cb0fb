package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/alerts"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// ProblemData is a problem in JSON.
type ProblemData struct {
	Problem  int64           `json:"problem"`
	Server   string          `json:"server"`
	Code     checks.Code     `json:"code"`
	Severity checks.Severity `json:"severity"`
	Value    int             `json:"value" jsonschema:"the count, or the number of sites"`
	Opened   time.Time       `json:"opened"`
	Taken    *TakenData      `json:"taken" jsonschema:"null: nobody works on it"`
	Handed   string          `json:"handed" jsonschema:"who was asked to take it; empty: nobody"`
	Held     string          `json:"held" jsonschema:"what holds it back; empty: nothing"`
}

// TakenData is who works on a problem.
type TakenData struct {
	Person string    `json:"person"`
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
}

// ProblemsData is the JSON of ack without a number.
type ProblemsData struct {
	Problems []ProblemData `json:"problems"`
}

func problemData(p reports.Problem, now time.Time) ProblemData {
	data := ProblemData{Problem: p.ID, Server: p.Server, Code: p.Cause, Severity: p.Told.Severity, Value: p.Told.Value,
		Opened: p.Opened, Handed: p.Life.Handed.To, Held: p.Life.Held}
	if t := p.Life.Taken; p.IsTaken(now) {
		data.Taken = &TakenData{t.Person, t.Name, t.At, t.Until}
	}
	return data
}

// takenFor is for how long a problem is taken where nobody says it: half a
// working day.
const takenFor = 4 * time.Hour

// How long one may take or silence something: what is for ever is forgotten.
const (
	takenMost    = 14 * 24 * time.Hour
	silencedMost = 90 * 24 * time.Hour
)

// problems answers about problems that are open, and changes who works on them.
type problems struct {
	journal *journal.Journal
	alerts  *alerts.Recorder
}

// ack takes a problem, or lists the open ones.
func (p problems) ack(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) == 0 {
		return p.list(ctx, r)
	}
	id, err := number("ack", r.Words[0])
	if err != nil {
		return bot.Answer{}, err
	}
	while := takenFor
	switch len(r.Words) {
	case 1:
	case 2:
		var ok bool
		if while, ok = span(r.Words[1]); !ok || while > takenMost {
			return bot.Answer{}, bot.Usage("ack", "usage.ack", r.Words[1])
		}
	default:
		return bot.Answer{}, bot.Usage("ack", "usage.ack", r.Words[2])
	}
	problem, err := p.alerts.Take(ctx, r, id, r.Now.Add(while), bot.NewAct("ack", strings.Join(r.Words, " "), bot.ResultOK))
	return bot.Answer{Message: compose.Taken(r.Writer(), problem), Data: problemData(problem, r.Now)}, err
}

// list answers with what can be taken.
func (p problems) list(ctx context.Context, r bot.Request) (bot.Answer, error) {
	s, err := p.journal.Standing(ctx, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	slices.SortStableFunc(s.Problems, func(a, b reports.Problem) int { return int(b.Told.Severity - a.Told.Severity) })
	data := ProblemsData{Problems: []ProblemData{}}
	for _, x := range s.Problems {
		data.Problems = append(data.Problems, problemData(x, r.Now))
	}
	return bot.Answer{Message: compose.Problems(r.Writer(), s.Problems), Data: data}, nil
}

// handLength is how long the name of a person may be, in runes.
const handLength = 64

// hand asks somebody to take a problem.
func (p problems) hand(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) < 2 {
		return bot.Answer{}, bot.Usage("hand", "usage.hand", "")
	}
	id, err := number("hand", r.Words[0])
	if err != nil {
		return bot.Answer{}, err
	}
	to := checks.Clean(strings.Join(r.Typed[1:], " "), handLength)
	problem, err := p.alerts.Hand(ctx, r, id, to, bot.NewAct("hand", r.Words[0]+" "+to, bot.ResultOK))
	return bot.Answer{Message: compose.Handed(r.Writer(), problem), Data: problemData(problem, r.Now)}, err
}

// EscalateData is the JSON of escalate.
type EscalateData struct {
	Problem int64  `json:"problem"`
	To      string `json:"to"`
}

// escalate takes the next step of the escalation now.
func (p problems) escalate(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) != 1 {
		return bot.Answer{}, bot.Usage("escalate", "usage.escalate", "")
	}
	id, err := number("escalate", r.Words[0])
	if err != nil {
		return bot.Answer{}, err
	}
	step, err := p.alerts.Escalate(ctx, r, id, bot.NewAct("escalate", r.Words[0], bot.ResultOK))
	return bot.Answer{Message: compose.EscalatedTo(r.Writer(), id, step), Data: EscalateData{id, step.To}}, err
}

// number reads the number of a problem or a silence.
func number(command, word string) (int64, error) {
	id, err := strconv.ParseInt(strings.TrimPrefix(word, "#"), 10, 64)
	if err != nil || id < 1 {
		return 0, bot.Usage(command, "usage."+command, word)
	}
	return id, nil
}

// span reads how long something is to last: 90m, 2h, 1d, 1d12h, 2ч, 30мин.
func span(word string) (time.Duration, bool) {
	word = strings.NewReplacer("мин", "m", "ч", "h", "д", "d", "м", "m").Replace(strings.ToLower(word))
	days, rest, isDays := strings.Cut(word, "d")
	if !isDays {
		days, rest = "0", word
	}
	n, err := strconv.ParseUint(days, 10, 10)
	if err != nil {
		return 0, false
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil {
			return 0, false
		}
		d += more
	}
	return d, d > 0
}
