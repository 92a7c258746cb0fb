package commands

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/alerts"
	"domovoy/bot/people"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// SilenceData is a silence in JSON.
type SilenceData struct {
	Silence int64         `json:"silence"`
	About   reports.Match `json:"about"`
	Reason  string        `json:"reason"`
	Person  string        `json:"person"`
	Start   time.Time     `json:"start"`
	End     time.Time     `json:"end"`
}

// SilencesData is the JSON of silence and unsilence without words.
type SilencesData struct {
	Silences []SilenceData `json:"silences"`
}

func silenceData(s reports.Silence) SilenceData {
	return SilenceData{s.ID, s.Match, s.Reason, s.Person, s.Start, s.End}
}

// reasonLength is how long the reason of a silence may be, in runes.
const reasonLength = 200

// silences keeps messages back.
type silences struct {
	journal *journal.Journal
	watch   *watch.Watch
	alerts  *alerts.Recorder
	people  *people.Directory
	times   vocabulary // words before a time, which mean more than that elsewhere
}

// silence keeps messages back until a moment, from now on or from a later one,
// for a reason; without words it lists the silences.
func (x silences) silence(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) == 0 {
		return x.list(ctx, r, r.Role >= bot.Operator)
	}
	s, err := x.parse(r)
	if err != nil {
		return bot.Answer{}, err
	}
	if err := x.fits(s.Match); err != nil {
		return bot.Answer{}, err
	}
	s, err = x.alerts.Silence(ctx, r, s, bot.NewAct("silence", actArgs(r), bot.ResultOK))
	return bot.Answer{Message: compose.Silenced(r.Writer(), s), Data: silenceData(s)}, err
}

// actArgs are the words of an act for the audit.
func actArgs(r bot.Request) string { return checks.Clean(strings.Join(r.Typed, " "), 2*reasonLength) }

// list answers with those that last or are to come, with buttons for what more can be
// silenced.
func (x silences) list(ctx context.Context, r bot.Request, more bool) (bot.Answer, error) {
	s, err := x.journal.Standing(ctx, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	lasting := slices.DeleteFunc(s.Silences, func(s reports.Silence) bool { return !r.Now.Before(s.End) })
	data := SilencesData{Silences: []SilenceData{}}
	for _, s := range lasting {
		data.Silences = append(data.Silences, silenceData(s))
	}
	var open []reports.Problem
	if more {
		open = audible(s.Problems)
	}
	return bot.Answer{Message: compose.Silences(r.Writer(), lasting, open), Data: data}, nil
}

// unsilence ends a silence.
func (x silences) unsilence(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) == 0 {
		return x.list(ctx, r, false)
	}
	if len(r.Words) > 1 {
		return bot.Answer{}, bot.Usage("unsilence", "usage.unsilence", r.Words[1])
	}
	id, err := number("unsilence", r.Words[0])
	if err != nil {
		return bot.Answer{}, err
	}
	s, err := x.alerts.Unsilence(ctx, r, id, bot.NewAct("unsilence", r.Words[0], bot.ResultOK))
	return bot.Answer{Message: compose.Unsilenced(r.Writer(), s), Data: silenceData(s)}, err
}

// fits refuses a silence that could match nothing.
func (x silences) fits(m reports.Match) error {
	return listRequest{filter: reports.Filter{Owner: m.Owner, Server: m.Server, Cause: m.Cause}}.fits(x.watch.States())
}

// parse reads "12 2h reason", "owner=client1* server=isp1 1d reason" or
// "shop.ru from 22:00 until 06:00 reason": what it is about, then from when and
// until when or for how long, then why. Times are of the zone of schedules.
func (x silences) parse(r bot.Request) (reports.Silence, error) {
	p := silenceParser{words: r.Words, typed: r.Typed, zone: x.people.Zone}
	s := reports.Silence{Person: r.Person, Name: r.Name, Created: r.Now, Start: r.Now}
	for !p.done() && s.End.IsZero() {
		switch word := p.words[0]; x.times[strings.ToLower(word)] {
		case "from", "until":
			p.skip()
			at, ok := p.moment(s.Start)
			if !ok {
				return s, bot.Usage("silence", "usage.silence.time", p.word())
			}
			if x.times[strings.ToLower(word)] == "from" {
				s.Start = at
			} else {
				s.End = at
			}
		default:
			if d, ok := span(word); ok && s.Match != (reports.Match{}) {
				s.End = s.Start.Add(d)
				p.skip()
			} else if err := p.about(&s.Match); err != nil {
				return s, err
			}
		}
	}
	s.Reason = checks.Clean(strings.Join(p.typed, " "), reasonLength)
	switch {
	case s.Match == (reports.Match{}) || !s.Match.Valid():
		return s, bot.Usage("silence", "usage.silence.about", "")
	case s.End.IsZero():
		return s, bot.Usage("silence", "usage.silence.end", "")
	case s.Reason == "":
		return s, bot.Usage("silence", "usage.silence.reason", "")
	case s.Start.Before(r.Now), !s.End.After(s.Start), s.End.Sub(s.Start) > silencedMost:
		return s, &bot.Refusal{Code: bot.ResultUsage, Key: "usage.silence.long", Args: i18n.Args{"Most": silencedMost}}
	}
	return s, nil
}

// silenceParser is a silence being read.
type silenceParser struct {
	words, typed []string
	zone         *time.Location
}

func (p *silenceParser) done() bool { return len(p.words) == 0 }

func (p *silenceParser) skip() { p.words, p.typed = p.words[1:], p.typed[1:] }

// word is the next word as it was typed; empty: there is none.
func (p *silenceParser) word() string {
	if len(p.typed) == 0 {
		return ""
	}
	return p.typed[0]
}

// moment reads "22:00", the next one after a moment, "2026-12-01 22:00",
// "2026-12-01T22:00" or "2026-12-01".
func (p *silenceParser) moment(after time.Time) (time.Time, bool) {
	if p.done() {
		return time.Time{}, false
	}
	zone := p.zone
	after = after.In(zone)
	if len(p.words) > 1 {
		if at, err := time.ParseInLocation("2006-01-02 15:04", p.words[0]+" "+p.words[1], zone); err == nil {
			p.skip()
			p.skip()
			return at, true
		}
	}
	for _, layout := range []string{"2006-01-02T15:04", time.DateOnly, time.RFC3339} {
		if at, err := time.ParseInLocation(layout, p.words[0], zone); err == nil {
			p.skip()
			return at, true
		}
	}
	clock, err := time.Parse("15:04", p.words[0])
	if err != nil {
		return time.Time{}, false
	}
	p.skip()
	at := time.Date(after.Year(), after.Month(), after.Day(), clock.Hour(), clock.Minute(), 0, 0, zone)
	if !at.After(after) {
		at = time.Date(after.Year(), after.Month(), after.Day()+1, clock.Hour(), clock.Minute(), 0, 0, zone)
	}
	return at, true
}

// about reads one condition: the number of a problem, a name, or key=value.
func (p *silenceParser) about(m *reports.Match) error {
	word := p.words[0]
	refuse := bot.Usage("silence", "usage.silence.about", p.word())
	p.skip()
	key, value, assigned := strings.Cut(word, "=")
	switch {
	case assigned && value == "":
		return refuse
	case assigned && key == "owner":
		m.Owner = value
	case assigned && key == "server":
		m.Server = value
	case assigned && key == "cause":
		m.Cause = strings.ToLower(value)
	case assigned && key == "name":
		return p.name(m, value)
	case assigned:
		return refuse
	default:
		if id, err := number("silence", word); err == nil && m.Problem == 0 {
			m.Problem = id
			return nil
		}
		if !strings.Contains(word, ".") {
			return refuse
		}
		return p.name(m, word)
	}
	return nil
}

// name reads a name, or a pattern of names.
func (p *silenceParser) name(m *reports.Match, word string) error {
	if name, err := checks.ParseName(word); err == nil {
		m.Site = name
		return nil
	}
	if _, err := path.Match(word, ""); err != nil || !strings.ContainsAny(word, "*?[") {
		return bot.NotDomain(word)
	}
	m.Site = strings.ToLower(word)
	return nil
}
