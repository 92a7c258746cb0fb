package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	stream string // which one the rest is about; empty: none yet
	taken  uint64 // place of the last batch that was taken
	kept   uint64 // place that the journal has
	marks  []mark // of the batches that were taken
}

// mark is a batch that was taken.
type mark struct {
	seq        uint64
	generation int64
	last       int64 // its highest row
}

// Newest is the number of the last row of the panel's log, at the last Poll.
func (p *Panel) Newest(context.Context) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lately.Log.Newest, nil
}

// Attempts passes the rows that came since those that were passed before, and those
// from a row on. from is 0 for the whole log of the present generation.
func (p *Panel) Attempts(ctx context.Context, from int64, each func([]checks.Attempt) error) error {
	p.mu.Lock()
	upTo, zone := p.lately.Log, p.zone
	p.mu.Unlock()
	p.log.Lock()
	defer p.log.Unlock()
	if upTo.Seq == 0 {
		return nil
	}
	stream, err := p.openLog(ctx)
	if err != nil {
		return err
	}
	start := p.log.start(from, upTo.Generation)
	if from > 0 {
		if err := p.keepPlace(ctx, start-1); err != nil {
			return err
		}
	}
	begun := false
	for start <= upTo.Seq {
		m, err := p.batch(ctx, stream, start)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
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
			p.log.taken = max(p.log.taken, m.Sequence) // once
			start = m.Sequence + 1
			continue
		}
		if b.Generation == upTo.Generation && !begun && from == 0 {
			if begun = true; b.After != 0 { // the hub does not keep a log for ever
				p.askAgain(ctx)
			}
		}
		rows := make([]checks.Attempt, 0, len(b.Rows))
		last := int64(math.MinInt64)
		for _, row := range b.Rows {
			rows = append(rows, row.Of(p.name, zone))
			last = max(last, row.Row)
		}
		if len(rows) > 0 {
			if err := each(rows); err != nil {
				return err
			}
		}
		if m.Sequence > p.log.taken {
			p.log.taken = m.Sequence
			p.log.marks = append(p.log.marks, mark{m.Sequence, b.Generation, last})
		}
		start = m.Sequence + 1
	}
	return nil
}

// start is the place from which batches are to be taken.
func (l *logPlace) start(from, generation int64) uint64 {
	for _, m := range l.marks {
		if m.generation == generation && (from == 0 || m.last >= from) {
			return m.seq
		}
	}
	if from == 0 {
		return 1
	}
	return l.taken + 1
}

// batchTimeout is for one batch of the log from the hub.
const batchTimeout = 10 * time.Second

// batch is the first batch of the panel at or after a place.
func (p *Panel) batch(ctx context.Context, stream jetstream.Stream, at uint64) (*jetstream.RawStreamMsg, error) {
	bounded, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	m, err := stream.GetMsg(bounded, at, jetstream.WithGetMsgSubject(fleet.LogSubject(p.name)))
	switch {
	case err == nil || errors.Is(err, jetstream.ErrMsgNotFound):
		return m, err //nolint:wrapcheck // for Attempts
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, &Unreadable{Panel: p.name, Word: panel.HubGone, Err: err}
}

// openLog finds the stream of logs. Of another one than before nothing is taken yet.
func (p *Panel) openLog(ctx context.Context) (jetstream.Stream, error) {
	bounded, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	stream, err := p.fleet.js.Stream(bounded, fleet.StreamLog)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, &Unreadable{Panel: p.name, Word: panel.HubGone, Err: err}
	}
	id := stream.CachedInfo().Created.UTC().Format(time.RFC3339Nano)
	if id == p.log.stream {
		return stream, nil
	}
	kept, err := p.fleet.cfg.Places.LogPlace(ctx, p.name)
	if err != nil {
		return nil, fmt.Errorf("reading how far the log was taken: %w", err)
	}
	p.log.stream, p.log.taken, p.log.kept, p.log.marks = id, 0, 0, nil
	if kept.Stream == id {
		p.log.taken, p.log.kept = kept.Seq, kept.Seq
	}
	return stream, nil
}

// keepPlace has the journal keep how far the log was taken.
func (p *Panel) keepPlace(ctx context.Context, seq uint64) error {
	if seq <= p.log.kept {
		return nil
	}
	if err := p.fleet.cfg.Places.KeepLogPlace(ctx, p.name, journal.LogPlace{Stream: p.log.stream, Seq: seq}); err != nil {
		return fmt.Errorf("keeping how far the log was taken: %w", err)
	}
	p.log.kept = seq
	return nil
}
