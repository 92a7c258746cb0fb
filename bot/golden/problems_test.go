package golden

import (
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// problemCases are the answers to those who take, hand over, silence and
// escalate problems.
func problemCases() map[string]message {
	p := reports.Problem{ID: 12, Key: "isp1///panel.failed", Server: "isp1", Cause: checks.PanelFailed, Opened: ago(3 * time.Hour),
		Told: reports.Told{Severity: checks.Critical, Value: 92, At: ago(3 * time.Hour)}}
	taken, handed, held, storm := p, p, p, p
	taken.ID, taken.Life.Taken = 13, reports.Taking{Person: "telegram:42", Name: "Анна", At: ago(time.Hour), Until: now.Add(time.Hour)}
	handed.ID, handed.Life.Handed = 14, reports.Handing{To: "@ivan", By: "Анна", At: ago(time.Hour)}
	held.ID, held.Told, held.Life.Held = 15, reports.Told{}, "silence 3"
	storm.ID, storm.Key, storm.Cause = 16, "isp1/*//storm", reports.StormCause
	silence := reports.Silence{ID: 3, Match: reports.Match{Owner: "client1*", Server: "isp1"}, Reason: "переезд на isp2", Person: "telegram:42", Name: "Анна",
		Created: now, Start: now, End: now.Add(2 * time.Hour)}
	window, one := silence, silence
	window.ID, window.Start, window.End = 4, now.Add(8*time.Hour), now.Add(10*time.Hour)
	one.ID, one.Name, one.Match = 5, "", reports.Match{Problem: 12, Site: "*.shop.ru", Cause: "cert"}
	return map[string]message{
		"problems": func(w compose.Writer) reports.Message {
			return compose.Problems(w, []reports.Problem{p, taken, handed, held, storm})
		},
		"problems.none": func(w compose.Writer) reports.Message { return compose.Problems(w, nil) },
		"ack":           func(w compose.Writer) reports.Message { return compose.Taken(w, taken) },
		"hand":          func(w compose.Writer) reports.Message { return compose.Handed(w, handed) },
		"escalate": func(w compose.Writer) reports.Message {
			return compose.EscalatedTo(w, 12, reports.Step{To: "webhook:duty"})
		},
		"escalate.offers": func(w compose.Writer) reports.Message {
			return declined(w, &bot.Refusal{Key: "usage.escalate", Offers: compose.ProblemActions(w, []reports.Problem{p, storm}, "escalate")})
		},
		"silence": func(w compose.Writer) reports.Message { return compose.Silenced(w, silence) },
		"silence.window": func(w compose.Writer) reports.Message {
			return compose.Silenced(w, window)
		},
		"silences": func(w compose.Writer) reports.Message {
			return compose.Silences(w, []reports.Silence{silence, window, one}, []reports.Problem{handed, storm})
		},
		"silences.none": func(w compose.Writer) reports.Message { return compose.Silences(w, nil, nil) },
		"unsilence":     func(w compose.Writer) reports.Message { return compose.Unsilenced(w, silence) },
	}
}
