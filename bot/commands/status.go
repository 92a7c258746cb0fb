package commands

import (
	"context"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// StatusData is the JSON of status.
type StatusData struct {
	Metrics    []MetricData `json:"metrics"`
	Unreadable int          `json:"unreadable"`
	Servers    []ServerData `json:"servers"`
	Waiting    int          `json:"waiting"` // messages not delivered yet
}

// MetricData is one count. Value is null where it could not be had, and Error
// then says why; Threshold is null where there is none.
type MetricData struct {
	Code      checks.Code     `json:"code"`
	Server    string          `json:"server"`
	Value     *int            `json:"value"`
	Threshold *int            `json:"threshold"`
	Severity  checks.Severity `json:"severity"`
	Error     string          `json:"error,omitempty"`
}

// ServerData is one panel's reading.
type ServerData struct {
	Server     string     `json:"server"`
	Sites      int        `json:"sites"`
	Read       *time.Time `json:"read"` // null: never
	Unreadable int        `json:"unreadable"`
	Trouble    string     `json:"trouble,omitempty"` // why it could not be read
	Missing    []string   `json:"missing,omitempty"` // tables and columns that the panel lacks
}

// status answers with every count beside its threshold and trend.
func (c *Commands) status(ctx context.Context, r bot.Request) (bot.Answer, error) {
	var asked listRequest
	for _, word := range r.Words {
		server, ok := strings.CutPrefix(word, "server=")
		if !ok {
			return bot.Answer{}, bot.Usage("status", "usage.status", word)
		}
		asked.filter.Server = server
	}
	servers, err := c.Watch.Servers(ctx, r.Now)
	if err == nil {
		servers, err = asked.named(servers)
	}
	if err != nil {
		return bot.Answer{}, err
	}
	waiting, oldest, err := c.Journal.Waiting(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	data := StatusData{Waiting: waiting}
	for _, s := range servers {
		data.add(s)
	}
	return bot.Answer{Message: compose.Status(r.Writer(), servers, compose.Delivery{Waiting: waiting, Oldest: oldest}), Data: data}, nil
}

func (d *StatusData) add(s reports.Server) {
	d.Unreadable += s.Snapshot.UnreadableN
	server := ServerData{Server: s.Name, Sites: len(s.Snapshot.Sites), Unreadable: s.Snapshot.UnreadableN, Trouble: s.Trouble}
	if !s.Read.IsZero() {
		server.Read = &s.Read
	}
	for _, m := range s.Snapshot.Missing {
		server.Missing = append(server.Missing, m.String())
	}
	d.Servers = append(d.Servers, server)
	for _, reading := range s.Metrics() {
		m := MetricData{Code: reading.Code, Server: s.Name, Severity: reading.Severity, Error: reading.Err}
		if reading.Known() {
			m.Value = &reading.Value
		} else {
			m.Severity = checks.Warning // not known is not well
		}
		if t := reading.Threshold.Alarm(); t > 0 {
			m.Threshold = &t
		}
		d.Metrics = append(d.Metrics, m)
	}
}
