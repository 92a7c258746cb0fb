package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/checks"
	"domovoy/checks/panel"
	"domovoy/reports/journal"
)

// logPlace is how far a panel's log was taken from the hub, in this process. What
// the journal keeps of it lags behind: rows are taken twice rather than never, and
// the journal recognises them.
type logPlace struct {
	sync.Mutex
	stream string    // which one the rest is about; empty: none yet
	taken  mark      // the last batch that was taken; zero: none
	kept   uint64    // place that the journal has
	marks  []mark    // of the batches that were taken and are not kept
	begins mark      // the batch that begins the generation of taken; zero: not known
	lost   int64     // generation of which the hub lost a part; 0: of none
	since  time.Time // that the hub does not give the log; zero: it does
}

// mark is a batch that was taken.
type mark struct {
	seq        uint64
	at         time.Time // when the hub stored it; zero: not known
	generation int64     // 0: not known
	last       int64     // the highest row up to it
}

// Newest is the number of the last row of the panel's log, at the last Poll.
func (p *Panel) Newest(context.Context) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lately.Log.Newest, nil
}

// Attempts passes the rows that came since those that were passed before, and those
// from a row on. from is 0 for the whole log of the present generation. If the hub
// lost rows that were not taken yet, the agent is asked for everything again.
func (p *Panel) Attempts(ctx context.Context, from int64, each func([]checks.Attempt) error) error {
	p.mu.Lock()
	upTo, zone := p.lately.Log, p.zone
	p.mu.Unlock()
	p.log.Lock()
	defer p.log.Unlock()
	if p.log.lost != 0 && upTo.Generation != p.log.lost { // everything came again
		p.log.lost = 0
		p.lacking.Store(false)
	}
	if upTo.Seq == 0 {
		return nil
	}
	stream, err := p.openLog(ctx)
	if err != nil {
		return err
	}
	start := p.log.start(from, upTo.Generation)
	if from > 0 && p.log.lost == 0 {
		if err := p.keepPlace(ctx, start-1); err != nil {
			return err
		}
	}
	begun := false
	for start <= upTo.Seq {
		m, err := p.batch(ctx, stream, start)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			p.miss(upTo.Generation) // the agent has the hub's word that it is there
			break
		}
		if err != nil {
			return err
		}
		b, err := fleet.DecodeLogBatch(m.Data)
		if err == nil && b.Protocol > fleet.Protocol {
			err = errNewer
		}
		if err != nil {
			p.fleet.refuse(ctx, p.name, err)
			if start = m.Sequence + 1; m.Sequence > p.log.taken.seq { // once
				p.log.taken.seq, p.log.taken.at = m.Sequence, m.Time
			}
			continue
		}
		if b.Generation == upTo.Generation && !begun && from == 0 {
			if begun = true; b.After != 0 { // the hub does not keep a log for ever
				p.miss(b.Generation)
			}
		}
		if p.log.lacks(m.Sequence, b) {
			p.miss(b.Generation)
		}
		rows := make([]checks.Attempt, 0, len(b.Rows))
		for _, row := range b.Rows {
			rows = append(rows, row.Of(p.name, zone))
		}
		if len(rows) > 0 {
			if err := each(rows); err != nil {
				return err
			}
		}
		p.log.take(m.Sequence, m.Time, b)
		start = m.Sequence + 1
	}
	if p.log.lost != 0 {
		p.askAgain(ctx)
	}
	return nil
}

// miss notes that the hub lost a part of a generation. The agent is asked until it
// begins another one.
func (p *Panel) miss(generation int64) {
	p.log.lost = generation
	p.lacking.Store(true)
}

// lacks reports whether rows between what was taken and a new batch are missing.
func (l *logPlace) lacks(seq uint64, b fleet.LogBatch) bool {
	return seq > l.taken.seq && b.Generation == l.taken.generation && b.After > l.taken.last
}

// take notes that a batch was taken.
func (l *logPlace) take(seq uint64, at time.Time, b fleet.LogBatch) {
	if seq <= l.taken.seq {
		return
	}
	m := markOf(seq, at, b)
	if m.generation == l.taken.generation {
		m.last = max(m.last, l.taken.last)
	}
	if b.After == 0 {
		l.begins = m
	}
	l.taken = m
	l.marks = append(l.marks, m)
}

func markOf(seq uint64, at time.Time, b fleet.LogBatch) mark {
	m := mark{seq: seq, at: at, generation: b.Generation, last: b.After}
	for _, row := range b.Rows {
		m.last = max(m.last, row.Row)
	}
	return m
}

// start is the place from which batches are to be taken.
func (l *logPlace) start(from, generation int64) uint64 {
	if from == 0 {
		switch {
		case l.begins.seq > 0 && l.begins.generation == generation:
			return l.begins.seq
		case l.taken.generation != 0 && l.taken.generation != generation: // it begins later
			return l.taken.seq + 1
		}
		return 1
	}
	for _, m := range l.marks {
		if m.generation == generation && m.last >= from {
			return m.seq
		}
	}
	return l.taken.seq + 1
}

// batchTimeout is for one batch of the log from the hub.
const batchTimeout = 10 * time.Second

// batch is the first batch of the panel at or after a place.
func (p *Panel) batch(ctx context.Context, stream jetstream.Stream, at uint64) (*jetstream.RawStreamMsg, error) {
	bounded, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	m, err := stream.GetMsg(bounded, at, jetstream.WithGetMsgSubject(fleet.LogSubject(p.name)))
	if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) {
		return m, err //nolint:wrapcheck // for Attempts
	}
	return nil, p.away(ctx, err)
}

// away is the error of a hub that does not give the log.
func (p *Panel) away(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now := p.fleet.now()
	if p.log.since.IsZero() {
		p.log.since = now
	}
	word := panel.HubLost
	if now.Sub(p.log.since) > SilentAfter {
		word = panel.HubGone
	}
	return &Unreadable{Panel: p.name, Word: word, Err: err}
}

// openLog finds the stream of logs. Of another one than before, or of one that lost
// what was taken from it, nothing is taken yet.
func (p *Panel) openLog(ctx context.Context) (jetstream.Stream, error) {
	bounded, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	stream, err := p.fleet.js.Stream(bounded, fleet.StreamLog)
	if err != nil {
		return nil, p.away(ctx, err)
	}
	info := stream.CachedInfo()
	if id := info.Created.UTC().Format(time.RFC3339Nano); id != p.log.stream {
		kept, err := p.fleet.cfg.Places.LogPlace(ctx, p.name)
		if err != nil {
			return nil, fmt.Errorf("reading how far the log was taken: %w", err)
		}
		p.log.begin(id)
		if name, at, _ := strings.Cut(kept.Stream, placeMark); name == id {
			p.log.taken.seq, p.log.kept = kept.Seq, kept.Seq
			p.log.taken.at, _ = time.Parse(time.RFC3339Nano, at) // zero: an older version kept it
		}
	}
	if p.log.taken.seq == 0 || p.log.taken.seq < info.State.FirstSeq { // the hub does not keep a log for ever
		p.log.since = time.Time{}
		return stream, nil
	}
	same, err := p.stillThere(ctx, stream, info.State.LastSeq)
	if err != nil {
		return nil, err
	}
	if !same {
		p.fleet.cfg.Log.WarnContext(ctx, "the hub lost the end of a log, as by a power cut; it is taken again", "panel", p.name, "taken", p.log.taken.seq, "last", info.State.LastSeq)
		p.log.begin(p.log.stream)
	}
	p.log.since = time.Time{}
	return stream, nil
}

// begin has nothing be taken of a stream yet.
func (l *logPlace) begin(stream string) {
	l.stream, l.taken, l.kept, l.marks, l.begins = stream, mark{}, 0, nil, mark{}
}

// stillThere reports whether the hub has the last batch that was taken. A hub that lost
// it gives its place to another message.
func (p *Panel) stillThere(ctx context.Context, stream jetstream.Stream, end uint64) (bool, error) {
	if end < p.log.taken.seq {
		return false, nil
	}
	m, err := p.batch(ctx, stream, p.log.taken.seq)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return false, nil
	case err != nil:
		return false, err
	case m.Sequence != p.log.taken.seq:
		return false, nil
	case p.log.taken.at.IsZero():
		p.log.taken.at = m.Time
	case !p.log.taken.at.Equal(m.Time):
		return false, nil
	}
	if p.log.taken.generation == 0 { // this process has not seen it
		if b, err := fleet.DecodeLogBatch(m.Data); err == nil {
			p.log.taken = markOf(m.Sequence, m.Time, b)
		}
	}
	return true, nil
}

// placeMark stands in journal.LogPlace between the name of the stream and the time of
// the message at the place.
const placeMark = " "

// keepPlace has the journal keep how far the log was taken.
func (p *Panel) keepPlace(ctx context.Context, seq uint64) error {
	var last mark
	rest := p.log.marks
	for len(rest) > 0 && rest[0].seq <= seq {
		last, rest = rest[0], rest[1:]
	}
	if last.seq <= p.log.kept {
		return nil
	}
	place := journal.LogPlace{Stream: p.log.stream + placeMark + last.at.UTC().Format(time.RFC3339Nano), Seq: last.seq}
	if err := p.fleet.cfg.Places.KeepLogPlace(ctx, p.name, place); err != nil {
		return fmt.Errorf("keeping how far the log was taken: %w", err)
	}
	p.log.kept, p.log.marks = last.seq, append([]mark(nil), rest...)
	return nil
}
