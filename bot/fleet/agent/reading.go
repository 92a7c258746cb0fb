package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"domovoy/bot/fleet"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/cert"
)

// stateEvery is how old the last state may be though nothing changed: it also
// tells that the agent is there.
const stateEvery = time.Minute

// filesPace is how often the certificate files are looked at, if the panel is read
// more often.
const filesPace = time.Minute

// reading is what one panel's readings carry over from one to the next. One
// reading at a time.
type reading struct {
	Panel
	agent *Agent

	mu     sync.Mutex
	at     progress
	known  map[string]fleet.Digest // of the facts that the hub has, by subject; zero: nobody knows which one it has
	recent map[int64]recentRow     // rows of the log that may still change
	away   bool                    // the hub did not answer the last time

	snapshot    checks.Snapshot
	folder      error // why the folder of certificates could not be opened
	results     map[int64]cert.Result
	files       time.Time // when they were looked at
	reread      time.Time // when the last rows of the log were read again
	rereadFarAt time.Time
	newest      int64 // row of the log

	now    map[string][]byte // facts as they are, by subject; nil: never read
	stated time.Time         // when the last state was published
	last   string            // its trouble
	again  bool              // everything is to be sent again
	moved  bool              // something was sent since the last state
}

func newReading(ctx context.Context, a *Agent, p Panel) (*reading, error) {
	r := &reading{Panel: p, agent: a}
	var err error
	if r.at, r.known, err = a.cfg.Store.load(ctx, p.Name); err != nil {
		return nil, err
	}
	if r.recent, err = a.cfg.Store.recent(ctx, p.Name); err != nil {
		return nil, err
	}
	return r, nil
}

// read reads the panel and sends what is new.
func (r *reading) read(ctx context.Context, now time.Time) error {
	if r.again {
		if err := r.beginEpoch(ctx); err != nil {
			return err
		}
	}
	trouble := ""
	err := r.look(ctx, now)
	if unreadable, ok := errors.AsType[watch.Unreadable](err); ok {
		trouble = unreadable.Why()
		r.agent.cfg.Log.DebugContext(ctx, "cannot read the panel", "panel", r.Name, "reason", trouble, "error", err)
	} else if err != nil {
		return err
	}
	if trouble == "" || r.now != nil {
		if err := r.send(ctx); err != nil {
			return err
		}
	}
	if !r.moved && trouble == r.last && now.Sub(r.stated) < stateEvery {
		return nil
	}
	return r.state(ctx, trouble, now)
}

// look reads the panel: its tables, its files and what is new in its log.
func (r *reading) look(ctx context.Context, now time.Time) error {
	s, changed, err := r.Reader.Poll(ctx)
	if err != nil {
		return err
	}
	fresh := changed || r.now == nil
	if r.Files != nil && (fresh || now.Sub(r.files) >= filesPace) {
		r.files, fresh = now, true
		r.results, r.folder = r.Files.Read(s.Sites)
	}
	r.snapshot = s
	if err := r.readLog(ctx, now); err != nil {
		return err
	}
	if fresh {
		r.now, err = r.facts()
	}
	return err
}

// facts are all facts of the panel as it is now.
func (r *reading) facts() (map[string][]byte, error) {
	all := make(map[string][]byte, len(r.snapshot.Sites)+len(r.snapshot.Certificates)+len(r.results)+1)
	var failed error
	add := func(kind, id string, record any) {
		data, err := fleet.Encode(record)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s %s: %w", kind, id, err))
			return
		}
		all[fleet.Fact{Panel: r.Name, Kind: kind, ID: fleet.LongID(id)}.Subject()] = data
	}
	epoch := r.at.epoch
	for i := range r.snapshot.Sites {
		s := &r.snapshot.Sites[i]
		add(fleet.KindSite, fmt.Sprint(s.ID), fleet.SiteOf(epoch, *s))
		if result, ok := r.results[s.ID]; ok {
			key := fleet.FileKey(*s)
			add(fleet.KindFile, key, fleet.FileOf(epoch, key, result))
		}
	}
	for _, c := range r.snapshot.Certificates {
		add(fleet.KindCert, fmt.Sprint(c.ID), fleet.CertificateOf(epoch, c))
	}
	for n, rest := 0, r.snapshot.Unreadable; len(rest) > 0; n++ {
		part := rest[:min(len(rest), fleet.ValuesInRecord)]
		rest = rest[len(part):]
		add(fleet.KindValues, fmt.Sprint(n), fleet.Values{InEpoch: fleet.InEpoch{Epoch: epoch}, N: n, Values: part})
	}
	about := r.About
	about.Epoch, about.Protocol, about.Agent, about.Version, about.Zone = epoch, fleet.Protocol, r.agent.cfg.Name, r.agent.cfg.Version, r.Zone.String()
	about.Skill, about.Host = fleet.Skill, r.host()
	add(fleet.KindAbout, "panel", about)
	return all, failed
}

// beginEpoch begins another epoch: everything is sent again.
func (r *reading) beginEpoch(ctx context.Context) error {
	at := r.at
	at.epoch, at.row, at.seq, at.facts = newEpoch(), 0, 0, 0
	at.generation++
	if err := r.agent.cfg.Store.begin(ctx, r.Name, at); err != nil {
		return err
	}
	r.at, r.known, r.recent, r.now, r.again, r.moved = at, map[string]fleet.Digest{}, map[int64]recentRow{}, nil, false, true
	return nil
}

// replay has everything of a panel sent again at the next reading.
func (r *reading) replay() {
	r.mu.Lock()
	r.again = true
	r.mu.Unlock()
	select {
	case r.agent.wake <- struct{}{}:
	default:
	}
}
