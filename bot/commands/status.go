package commands

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// StatusData is the JSON of status.
type StatusData struct {
	Metrics    []MetricData `json:"metrics"`
	Unreadable int          `json:"unreadable"`
	Servers    []ServerData `json:"servers"`
	Waiting    int          `json:"waiting" jsonschema:"messages not delivered yet"`
	Delivery   HealthData   `json:"delivery"`
	Canary     *CanaryData  `json:"canary,omitempty" jsonschema:"the daily test alarm; absent: there was none yet"`
}

// CanaryData is how the daily test alarms fare.
type CanaryData struct {
	OK    bool               `json:"ok" jsonschema:"the last one is at most 26 hours old"`
	Last  *time.Time         `json:"last" jsonschema:"when the last one had arrived in each chat that receives alerts; null: none did"`
	Due   time.Time          `json:"due" jsonschema:"when the latest was due"`
	Step  reports.CanaryStep `json:"step,omitempty" jsonschema:"where the latest failed: panel, rule, alert, outbox or chat"`
	Of    string             `json:"of,omitempty" jsonschema:"the panel or the chat of that step"`
	Error string             `json:"error,omitempty"`
}

// Blind reports whether nothing is known of any panel: none could be read, now or
// before.
func (d StatusData) Blind() bool {
	return !slices.ContainsFunc(d.Servers, func(s ServerData) bool { return s.Read != nil })
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
	Excused   int             `json:"excused,omitempty" jsonschema:"of Value, those that an outage of the CA explains: Severity is without them"`
}

// ServerData is one panel's reading.
type ServerData struct {
	Server     string       `json:"server"`
	Sites      int          `json:"sites"`
	Read       *time.Time   `json:"read" jsonschema:"null: never"`
	Unreadable int          `json:"unreadable"`
	Trouble    string       `json:"trouble,omitempty" jsonschema:"why it could not be read"`
	Missing    []string     `json:"missing,omitempty" jsonschema:"tables and columns that the panel lacks"`
	Hidden     []string     `json:"hidden,omitempty" jsonschema:"of these, those that it may have: the database's user has no right to look"`
	Options    *OptionsData `json:"options,omitempty" jsonschema:"absent: the panel's configuration file is not there"`
	Nodes      []NodeData   `json:"nodes,omitempty" jsonschema:"of a cluster"`
	NodesBy    string       `json:"nodes_by,omitempty" jsonschema:"the column that ties sites to nodes; absent: none does"`
}

// OptionsData is what the panel's configuration file says; null: it cannot be
// told.
type OptionsData struct {
	ACMELog      *bool `json:"acme_log" jsonschema:"there is a log in which authorizations can be found"`
	AccountCheck *bool `json:"account_check" jsonschema:"the panel counts failures of its account and may stop issuing by itself"`
}

// NodeData is a node of a cluster. Maintenance is null where the panel does not
// say it.
type NodeData struct {
	Node        string       `json:"node"`
	Addresses   []netip.Addr `json:"addresses"`
	Hosts       []string     `json:"hosts"`
	Maintenance *bool        `json:"maintenance"`
	Sites       int          `json:"sites"`
}

// overview answers how things are, all in one.
type overview struct {
	watch    *watch.Watch
	doubts   doubts
	delivery deliveries
}

// status answers with every count beside its threshold and trend.
func (o overview) status(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) > 0 && r.Words[0] == "believe" {
		return o.doubts.believe(ctx, r)
	}
	var asked listRequest
	for _, word := range r.Words {
		server, ok := strings.CutPrefix(word, "server=")
		if !ok {
			return bot.Answer{}, bot.Usage("status", "usage.status", word)
		}
		asked.filter.Server = server
	}
	servers, err := o.watch.Servers(ctx, r.Now)
	if err == nil {
		servers, err = asked.named(servers)
	}
	if err != nil {
		return bot.Answer{}, err
	}
	servers = asked.filter.Nodes(servers)
	health, delivered, err := o.delivery.health(ctx, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	if delivered.Canary, err = o.delivery.journal.Canary(ctx); err != nil {
		return bot.Answer{}, err
	}
	data := StatusData{Waiting: delivered.Waiting, Delivery: health, Canary: canaryData(delivered.Canary, r.Now)}
	for _, s := range servers {
		data.add(s)
	}
	return bot.Answer{Message: compose.Status(r.Writer(), servers, delivered), Data: data}, nil
}

func canaryData(c reports.Canary, now time.Time) *CanaryData {
	if c.Since.IsZero() {
		return nil
	}
	data := &CanaryData{OK: !c.Late(now), Last: bot.OrNull(c.Last), Due: c.Due}
	if fault := c.Missing(); fault != nil {
		data.Step, data.Of, data.Error = fault.Step, fault.Of, fault.Error()
	}
	return data
}

func (d *StatusData) add(s reports.Server) {
	d.Unreadable += s.Snapshot.UnreadableN
	server := ServerData{Server: s.Name, Sites: len(s.Snapshot.Sites), Unreadable: s.Snapshot.UnreadableN, Trouble: s.Trouble}
	if !s.Read.IsZero() {
		server.Read = &s.Read
	}
	for _, m := range s.Snapshot.Missing {
		server.Missing = append(server.Missing, m.String())
		if m.Hidden {
			server.Hidden = append(server.Hidden, m.String())
		}
	}
	if o := s.Snapshot.Options; o != nil {
		server.Options = &OptionsData{ACMELog: known(o.ACMELog, checks.On), AccountCheck: known(o.SkipAccount, checks.Off)}
	}
	server.Nodes, server.NodesBy = nodesData(s), s.Snapshot.NodesBy
	d.Servers = append(d.Servers, server)
	for _, reading := range s.Metrics() {
		m := MetricData{Code: reading.Code, Server: s.Name, Severity: reading.Severity, Error: reading.Err, Excused: reading.Excused}
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

// nodesData are the nodes of a server's cluster.
func nodesData(s reports.Server) []NodeData {
	sites := s.Snapshot.SitesByNode()
	var all []NodeData
	for _, n := range s.Snapshot.Nodes {
		data := NodeData{Node: n.Name, Addresses: append([]netip.Addr{}, n.Addresses...), Hosts: append([]string{}, n.Hosts...), Sites: sites[n.Name]}
		data.Maintenance = known(n.Maintain, checks.On)
		all = append(all, data)
	}
	return all
}

// known reports whether a flag has a value; nil: it is neither on nor off.
func known(f, value checks.Flag) *bool {
	if f == checks.Unset {
		return nil
	}
	return new(f == value)
}
