package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"domovoy/bot/fleet"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
)

// SilentAfter is how long an agent, or the hub, may be silent while what it said
// before still counts.
const SilentAfter = 10 * time.Minute

// Unreadable is the error of a panel of which nothing current is known.
type Unreadable struct {
	Panel, Word string
	Err         error // may be nil
}

// Error says which panel it is and why, for logs.
func (u *Unreadable) Error() string {
	if u.Err != nil {
		return fmt.Sprintf("panel %s: %s: %v", u.Panel, u.Word, u.Err)
	}
	return fmt.Sprintf("panel %s: %s", u.Panel, u.Word)
}

// Why returns the reason as a word of the catalogs, under "trouble.".
func (u *Unreadable) Why() string { return u.Word }

// Unwrap returns the cause.
func (u *Unreadable) Unwrap() error { return u.Err }

// Panel is a panel behind an agent: a watch.Reader and watch.Files.
type Panel struct {
	name  string
	fleet *Fleet

	mu      sync.Mutex
	sets    map[string]*set // by epoch; that of the last complete reading among them
	epoch   string          // of the last complete reading; empty: there was none
	state   fleet.State     // the last one that came
	zone    *time.Location
	whole   checks.Snapshot // the last complete reading
	last    fleet.State     // the state that ended it
	heard   time.Time       // of its agent, last; zero: never
	missed  int             // states in a row that the facts did not fit
	asked   time.Time       // when everything was asked for again
	changed bool            // since the last Poll
	fresh   map[string]bool // files that are new since they were last read, by ID
	lately  fleet.State     // the state that the last Poll gave
	newest  int64           // number of the last reading that counted
	kept    int64           // that the journal has
	skewed  bool            // the last Poll gave that its agent's clock is off
	mute    time.Time       // when its agent did not answer a look in time, last; zero: it did since

	log     logPlace
	lacking atomic.Bool // log.lost is not 0
}

// mostSets bounds the epochs that are kept at once.
const mostSets = 4

// put takes a fact from the hub.
func (p *Panel) put(f fleet.Fact, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(data) == 0 {
		for _, s := range p.sets {
			if err := s.put(f, nil); err != nil {
				return err
			}
		}
		return nil
	}
	epoch, err := fleet.EpochOf(data)
	if err != nil {
		return err
	}
	s := p.sets[epoch]
	if s == nil {
		if len(p.sets) >= mostSets {
			p.forgetSets()
		}
		s = &set{panel: p.name}
		p.sets[epoch] = s
	}
	return s.put(f, data)
}

// forgetSets drops every set but that of the last complete reading.
func (p *Panel) forgetSets() {
	for epoch := range p.sets {
		if epoch != p.epoch {
			delete(p.sets, epoch)
		}
	}
}

// errOld is the error of a reading that was given before, or never was the newest.
var errOld = errors.New("an old reading was sent again")

// errNewer is the error of a record of a newer protocol.
var errNewer = errors.New("the agent speaks a newer protocol")

// end takes the record that ends a reading. news: the next Poll gives something else than
// the last one. again: the panel lacks facts that are not on their way. newest: nothing
// was sent after it.
func (p *Panel) end(x fleet.State, heard time.Time, newest bool) (news, again bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	silent := !p.heard.IsZero() && heard.Sub(p.heard) > SilentAfter
	again, err = p.take(x, heard, newest)
	return err == nil && (p.changed || silent), again, err
}

// take is end with the panel locked.
func (p *Panel) take(x fleet.State, heard time.Time, newest bool) (again bool, err error) {
	if x.Protocol > fleet.Protocol {
		p.heard, p.state = heard, fleet.State{Protocol: x.Protocol, Agent: x.Agent, Version: x.Version}
		return false, errNewer
	}
	switch {
	case x.Reading < p.newest:
		return false, errOld
	case x.Reading == p.state.Reading: // the stream is read again from its beginning
		if p.epoch == x.Epoch || p.sets[x.Epoch] == nil {
			return false, nil
		}
	}
	if heard.After(p.heard) {
		p.heard = heard
	}
	was := p.state
	p.state, p.newest = x, x.Reading
	if x.Trouble != "" {
		p.changed = p.changed || was.Trouble != x.Trouble
		return false, nil
	}
	s := p.sets[x.Epoch]
	if s == nil || !s.fits(x) {
		p.missed++ // once it may: facts of the next reading stand in the stream before its end
		return newest || p.missed > 1, nil
	}
	p.missed = 0
	p.zone = zoneOf(x.Zone)
	changed, files := s.commit(p.zone)
	if p.epoch != x.Epoch {
		p.epoch, changed = x.Epoch, true
		p.forgetSets()
	}
	for _, file := range files {
		p.fresh[file] = true
	}
	p.whole = s.snapshot(x, p.zone)
	p.changed = p.changed || changed || was.Trouble != "" || x.Log != p.last.Log || x.Folder != p.last.Folder || x.Writes != p.last.Writes ||
		!sameOptions(x.Options, p.last.Options)
	p.last = x
	return p.lacking.Load(), nil
}

func sameOptions(a, b *checks.Options) bool { return a == b || a != nil && b != nil && *a == *b }

// zoneOf is a time zone by its name; UTC if this host does not know it.
func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

// Poll returns the last complete reading, and whether anything changed since the
// last call.
func (p *Panel) Poll(ctx context.Context) (checks.Snapshot, bool, error) {
	hub := p.fleet.ready(ctx)
	if err := ctx.Err(); err != nil {
		return checks.Snapshot{}, false, err
	}
	s, changed, number, err := p.poll(hub)
	if err == nil && number > 0 {
		err = p.fleet.cfg.Places.KeepReading(ctx, p.name, number)
	}
	return s, changed, err
}

// poll is Poll. number is that of the reading, if it is to be kept; else 0.
func (p *Panel) poll(hub hubState) (s checks.Snapshot, changed bool, number int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if word := p.trouble(hub, p.fleet.now()); word != "" {
		return s, false, 0, &Unreadable{Panel: p.name, Word: word}
	}
	if p.newest > p.kept {
		number, p.kept = p.newest, p.newest // if that fails, the next one is kept
	}
	s = p.whole
	s.Skew = p.fleet.skew(p.state.Agent)
	changed = p.changed || p.skewed != (s.Skew != 0)
	p.changed, p.lately, p.skewed = false, p.last, s.Skew != 0
	return s, changed, number, nil
}

// trouble is why nothing current is known; empty: something is.
func (p *Panel) trouble(hub hubState, now time.Time) string {
	switch {
	case hub == hubGone:
		return panel.HubGone
	case hub == hubUnseen:
		return panel.HubLost
	case p.state.Protocol > fleet.Protocol:
		return panel.AgentNewer
	case p.heard.IsZero():
		return panel.AgentUnseen
	case hub == hubThere && now.Sub(p.heard) > SilentAfter:
		return panel.AgentSilent
	case p.state.Trouble != "":
		return wordOf(p.state.Trouble)
	case p.epoch == "":
		return panel.AgentPartial
	}
	return ""
}

// Read returns the certificate files of sites as the agent read them.
func (p *Panel) Read(sites []checks.Site) (map[int64]cert.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sets[p.epoch]
	if s == nil {
		return nil, nil
	}
	if p.last.Folder != "" {
		return nil, errors.New(p.last.Folder)
	}
	results := make(map[int64]cert.Result, len(sites))
	for i := range sites {
		if sites[i].Certificate == "" {
			continue
		}
		id := fleet.LongID(fleet.FileKey(sites[i]))
		if f, ok := s.files.find(id); ok {
			r := f.Result()
			r.Fresh = p.fresh[id]
			results[sites[i].ID] = r
		}
	}
	p.fresh = map[string]bool{}
	return results, nil
}

// Agent is the name of the agent that reads the panel; empty: it is not known yet.
func (p *Panel) Agent() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Agent
}

// About is what the panel's agent says of it; false: nothing yet.
func (p *Panel) About() (fleet.About, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, epoch := range []string{p.epoch, p.state.Epoch} {
		s := p.sets[epoch]
		if s == nil {
			continue
		}
		for _, n := range s.about.news {
			return n.value, true
		}
		for _, v := range s.about.values {
			return v, true
		}
	}
	return fleet.About{}, false
}
