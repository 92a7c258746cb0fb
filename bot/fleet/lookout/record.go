// Package lookout has the looks of a fleet's vantage points: the bot puts them into
// a queue for each point, the point takes them and says what it saw.
package lookout

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"domovoy/bot/fleet"
	"domovoy/checks"
)

// Look is one look that a vantage point is to take, as it travels.
type Look struct {
	Protocol  int          `json:"v"`
	ID        string       `json:"id"` // its sight has it, too
	Panel     string       `json:"panel"`
	Addresses []netip.Addr `json:"addresses,omitempty"` // the panel's own
	Site      checks.Site  `json:"site"`
	Logged    bool         `json:"logged,omitempty"`   // the panel ordered certificates for it
	Failures  int          `json:"failures,omitempty"` // of its orders, since the last success
	Account   string       `json:"account,omitempty"`  // URL of the panel's account at its CA, which CAA records may name
	Roots     string       `json:"roots,omitempty"`    // PEM, beside those of the vantage point's host
	Rootless  bool         `json:"rootless,omitempty"` // there are more, which are too many for a look: chains cannot be judged
	Asked     bool         `json:"asked,omitempty"`
	Share     int          `json:"share"` // how many places look at the same addresses
	Until     time.Time    `json:"until"` // nobody waits for it any more then
}

// subject is what the look is about.
func (l *Look) subject() checks.Subject {
	x := checks.Subject{Site: &l.Site}
	if l.Logged {
		x.History = &checks.History{Failures: l.Failures}
	}
	return x
}

// Here says that there is a vantage point, and where. It stands in SIGHTS, where a bot
// that begins finds it.
type Here struct {
	Protocol int    `json:"v"`
	Network  string `json:"network,omitempty"`
	Country  string `json:"country,omitempty"`
	Gone     bool   `json:"gone,omitempty"` // it was stopped
}

// no panel and no id has this name, so that a Here stands beside the sights.
const hereToken = "_"

// hereSubject is where a vantage point says that it is there.
func hereSubject(vantage string) string { return fleet.SightSubject(vantage, hereToken, hereToken) }

// Sight is what a vantage point saw, as it travels.
type Sight struct {
	Protocol int          `json:"v"`
	Look     string       `json:"look"` // the ID
	Sent     time.Time    `json:"sent"` // by the clock of the vantage point
	Blind    checks.Blind `json:"blind,omitempty"`
	Probe    Probe        `json:"probe,omitzero"`
}

// Probe is checks.Probe.
type Probe struct {
	At       time.Time        `json:"at"`
	Checks   []string         `json:"checks,omitempty"`
	Findings []fleet.Finding  `json:"findings,omitempty"`
	Failures []checks.Failure `json:"failures,omitempty"`
	Served   checks.Validity  `json:"served,omitzero"`
	Own      string           `json:"own,omitempty"`
}

// probeOf returns the record of a probe.
func probeOf(p checks.Probe) Probe {
	return Probe{At: p.At, Checks: p.Checks, Findings: fleet.FindingsOf(p.Findings), Failures: p.Failures, Served: p.Served, Own: p.Own}
}

// of returns the probe of a site of a server, whatever the record says about whose
// it is.
func (p Probe) of(site *checks.Site, from string) checks.Probe {
	r := checks.Probe{At: p.At, Checks: p.Checks, Failures: p.Failures, Served: p.Served, Own: p.Own}
	for i := range r.Failures {
		r.Failures[i].Server, r.Failures[i].Site = site.Server, site.Name
	}
	for _, f := range p.Findings {
		r.Findings = append(r.Findings, f.Of(site.Server, site.Name, from))
	}
	return r
}

// ErrRecord is the error of a record that cannot be used.
var ErrRecord = errors.New("not a look or a sight")

// encode returns a record as it travels.
func encode(record any) ([]byte, error) {
	data, err := json.Marshal(record)
	if err == nil && len(data) > fleet.MaxRecord {
		err = fmt.Errorf("%w: %d bytes", ErrRecord, len(data))
	}
	return data, err
}

// decodeLook reads a look. One of a newer protocol is an error.
func decodeLook(data []byte) (l Look, err error) {
	if err = json.Unmarshal(data, &l); err != nil || l.ID == "" || l.Site.Name == "" || l.Protocol > fleet.Protocol {
		return Look{}, fmt.Errorf("%w: a look of protocol %d: %w", ErrRecord, l.Protocol, errors.Join(err))
	}
	return l, nil
}

// decodeHere reads a Here. One of a newer protocol is an error.
func decodeHere(data []byte) (h Here, err error) {
	if err = json.Unmarshal(data, &h); err != nil || h.Protocol > fleet.Protocol {
		return Here{}, fmt.Errorf("%w: protocol %d: %w", ErrRecord, h.Protocol, errors.Join(err))
	}
	return h, nil
}

// decodeSight reads a sight. One of a newer protocol is an error.
func decodeSight(data []byte) (s Sight, err error) {
	if err = json.Unmarshal(data, &s); err != nil || s.Look == "" || s.Protocol > fleet.Protocol {
		return Sight{}, fmt.Errorf("%w: a sight of protocol %d: %w", ErrRecord, s.Protocol, errors.Join(err))
	}
	return s, nil
}
