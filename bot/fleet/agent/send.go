package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
)

// send publishes the facts that the hub does not have, and the waiting rows of the
// log. It returns when all of it is acknowledged.
func (r *reading) send(ctx context.Context) error {
	if !r.agent.cfg.Conn.IsConnected() {
		return errAway
	}
	var changed []string
	for subject, data := range r.now {
		if r.known[subject] != fleet.Sum(subject, data) {
			changed = append(changed, subject)
		}
	}
	for subject := range r.known {
		if _, live := r.now[subject]; !live {
			changed = append(changed, subject)
		}
	}
	slices.Sort(changed)
	for part := range slices.Chunk(changed, group) {
		if err := r.sendFacts(ctx, part); err != nil {
			return err
		}
	}
	return r.sendLog(ctx)
}

// sendFacts publishes facts and keeps that the hub has them. Until then nobody
// knows what it has: the process may be killed in between.
func (r *reading) sendFacts(ctx context.Context, subjects []string) error {
	store := r.agent.cfg.Store
	unknown, sums := map[string]fleet.Digest{}, map[string]fleet.Digest{}
	var gone []string
	for _, subject := range subjects {
		unknown[subject] = fleet.Digest{}
		if data, live := r.now[subject]; live {
			sums[subject] = fleet.Sum(subject, data)
		} else {
			gone = append(gone, subject)
		}
	}
	if err := store.mark(ctx, r.Name, unknown); err != nil {
		return err
	}
	maps.Copy(r.known, unknown)
	r.moved = true
	acks := make([]jetstream.PubAckFuture, 0, len(subjects))
	for _, subject := range subjects {
		ack, err := r.agent.js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: r.now[subject]}, jetstream.WithExpectStream(fleet.StreamFacts), jetstream.WithStallWait(ackTimeout))
		if err != nil {
			return fmt.Errorf("%w: %w", errAway, err)
		}
		acks = append(acks, ack)
	}
	first, last, err := awaitAll(ctx, acks)
	if err != nil {
		return err
	}
	if first <= r.at.facts { // the stream is another one, which lacks what was sent to the one before
		r.again = true
		return fmt.Errorf("%w: it began again", errAway)
	}
	r.at.facts = last
	if err := store.mark(ctx, r.Name, sums); err != nil {
		return err
	}
	if err := store.drop(ctx, r.Name, gone); err != nil {
		return err
	}
	if err := store.keep(ctx, r.Name, r.at); err != nil {
		return err
	}
	maps.Copy(r.known, sums)
	for _, subject := range gone {
		delete(r.known, subject)
	}
	return nil
}

// awaitAll waits for acknowledgements, and returns the lowest and the highest place
// in the stream.
func awaitAll(ctx context.Context, acks []jetstream.PubAckFuture) (first, last uint64, err error) {
	for _, ack := range acks {
		select {
		case got := <-ack.Ok():
			if first == 0 || got.Sequence < first {
				first = got.Sequence
			}
			last = max(last, got.Sequence)
		case err := <-ack.Err():
			return 0, 0, fmt.Errorf("%w: %w", errAway, err)
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
	return first, last, nil
}

// sendLog publishes what waits of the log, in its order.
func (r *reading) sendLog(ctx context.Context) error {
	store := r.agent.cfg.Store
	for {
		id, data, ok, err := store.waiting(ctx, r.Name)
		if err != nil || !ok {
			return err
		}
		ack, err := r.publish(ctx, fleet.LogSubject(r.Name), data, fleet.StreamLog, fmt.Sprint("/", id))
		if err != nil {
			return err
		}
		if ack.Sequence <= r.at.seq && !ack.Duplicate {
			r.again = true // the stream is another one; this row is in it
		}
		at := r.at
		at.seq = ack.Sequence
		if err := store.sent(ctx, r.Name, id, at); err != nil {
			return err
		}
		r.at, r.moved = at, true
		if r.again {
			return fmt.Errorf("%w: it began again", errAway)
		}
	}
}

// publish sends one message and waits until it is stored. Two messages with the same
// data and another nonce are not the same: a row may become what it was before.
func (r *reading) publish(ctx context.Context, subject string, data []byte, stream, nonce string) (*jetstream.PubAck, error) {
	bounded, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	ack, err := r.agent.js.PublishMsg(bounded, &nats.Msg{Subject: subject, Data: data}, jetstream.WithMsgID(fleet.MessageID(subject, data)+nonce), jetstream.WithExpectStream(stream))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	return ack, nil
}

// state publishes the record that ends a reading.
func (r *reading) state(ctx context.Context, trouble string, now time.Time) error {
	if !r.agent.cfg.Conn.IsConnected() {
		return errAway
	}
	r.at.reading = max(r.at.reading+1, now.UnixMilli()) // higher than before even if the file was lost
	if err := r.agent.cfg.Store.keep(ctx, r.Name, r.at); err != nil {
		return err
	}
	c, s := r.agent.cfg, r.snapshot
	x := fleet.State{Protocol: fleet.Protocol, Epoch: r.at.epoch, Agent: c.Name, Version: c.Version, Reading: r.at.reading, At: fleet.Moment{Time: now},
		Taken: fleet.Moment{Time: s.Taken}, Trouble: trouble, Facts: len(r.known), Zone: r.Zone.String(),
		Log:       fleet.Log{Generation: r.at.generation, Newest: r.newest, Seq: r.at.seq},
		Addresses: s.Addresses, Nodes: s.Nodes, Options: s.Options, NodesBy: s.NodesBy, Missing: s.Missing, UnreadableN: s.UnreadableN, Rows: s.Rows, Writes: s.Writes}
	if r.folder != nil {
		x.Folder = r.folder.Error()
	}
	for _, sum := range r.known {
		x.Digest.Toggle(sum)
	}
	data, err := fleet.Encode(x)
	if err != nil {
		return err
	}
	ack, err := r.publish(ctx, fleet.StateSubject(r.Name), data, fleet.StreamFacts, "")
	if err != nil {
		return err
	}
	if ack.Sequence <= r.at.facts {
		r.again = true
		return fmt.Errorf("%w: it began again", errAway)
	}
	r.at.facts = ack.Sequence
	r.stated, r.last, r.moved = now, trouble, false
	return r.agent.cfg.Store.keep(ctx, r.Name, r.at)
}
