package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Envelope is one delivery over Socket Mode with its confirmation.
type Envelope struct {
	ID        string
	Kind      string // slash_commands, interactive, events_api
	EventID   string // of an event; the same in all its deliveries
	Attempt   int    // 0: the first delivery
	Payload   object
	Sent      bool // a socket was open for it
	Ack       Ack
	Responses []object // posted to its response_url
}

// delivery is an Envelope with the server's state of it.
type delivery struct {
	Envelope
	repeated bool          // the event was sent again in another envelope
	settled  chan struct{} // closed by an ack or a redelivery
}

// Ack is the client's confirmation of an envelope.
type Ack struct {
	Count   int             // 0: not confirmed
	Payload json.RawMessage // may be nil
	Late    bool            // not confirmed within AckWithin
	Dropped bool            // it had 20 KB or more and was ignored
}

// maxAck is the size in bytes from which Slack silently drops an ack.
const maxAck = 20 * 1024

// retryDelays are the delays after which Slack repeats an event without an ack, once it
// is late.
// https://docs.slack.dev/apis/events-api/#retries
func retryDelays() []time.Duration {
	return []time.Duration{0, time.Minute, 5 * time.Minute}
}

// dispatch sends a new envelope to one of the sockets and returns its id.
func (s *Slack) dispatch(envelope Envelope) string {
	e := &delivery{Envelope: envelope, settled: make(chan struct{})}
	s.mu.Lock()
	s.sockets.made++
	e.ID = fmt.Sprintf("envelope-%d", s.sockets.made)
	if e.Kind != "events_api" {
		e.Payload["response_url"] = s.url + "/response/" + e.ID
	}
	s.sockets.envelopes = append(s.sockets.envelopes, e)
	k := s.nextSocket()
	e.Sent = k != nil
	frame := e.frame()
	s.changed.send()
	s.mu.Unlock()
	if k != nil {
		_ = k.write(frame) // on a dead socket the envelope stays without an ack
		s.spawn(func() { s.expectAck(e) })
	}
	return e.ID
}

// nextSocket returns the socket whose turn it is, or nil. The caller holds s.mu.
func (s *Slack) nextSocket() *socket {
	if len(s.sockets.open) == 0 || s.sockets.off {
		return nil
	}
	s.sockets.turn++
	return s.sockets.open[s.sockets.turn%len(s.sockets.open)]
}

func (e *Envelope) frame() object {
	o := object{"envelope_id": e.ID, "type": e.Kind, "payload": e.Payload, "accepts_response_payload": e.Kind != "events_api"}
	if e.Kind == "events_api" {
		o["retry_attempt"], o["retry_reason"] = e.Attempt, ""
		if e.Attempt > 0 {
			o["retry_reason"] = "timeout"
		}
	}
	return o
}

// expectAck marks an envelope without an ack as late; a late event is delivered again
// at once, a minute later, and five minutes after that.
func (s *Slack) expectAck(e *delivery) {
	if s.settledWithin(e, s.options.AckWithin) {
		return
	}
	s.mu.Lock()
	e.Ack.Late = true
	attempt := e.Attempt
	s.changed.send()
	s.mu.Unlock()
	if e.Kind == "events_api" && attempt < len(retryDelays()) && !s.settledWithin(e, retryDelays()[attempt]) {
		_, _ = s.Redeliver(e.ID) // it was redelivered meanwhile
	}
}

// settledWithin waits for an ack, a redelivery, or the end of the server.
func (s *Slack) settledWithin(e *delivery, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-e.settled:
		return true
	case <-s.done:
		return true
	case <-timer.C:
		return false
	}
}

// settle ends the waiting for an ack. The caller holds s.mu.
func (e *delivery) settle() {
	select {
	case <-e.settled:
	default:
		close(e.settled)
	}
}

func (s *Slack) acked(id string, payload json.RawMessage, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.envelope(id)
	switch {
	case e == nil:
		return
	case size >= maxAck:
		e.Ack.Dropped = true
	default:
		e.Ack.Count++
		e.Ack.Payload = payload
		e.settle()
	}
	s.changed.send()
}

// envelope returns a delivery by its id, or nil. The caller holds s.mu.
func (s *Slack) envelope(id string) *delivery {
	for _, e := range slices.Backward(s.sockets.envelopes) { // it is most likely a late one
		if e.ID == id {
			return e
		}
	}
	return nil
}

// Redeliver sends an event again as a retry, with the same event_id in a new envelope,
// whose id it returns. Slack does not redeliver commands and buttons.
func (s *Slack) Redeliver(id string) (string, error) {
	s.mu.Lock()
	e := s.envelope(id)
	if e == nil || e.Kind != "events_api" || e.repeated {
		s.mu.Unlock()
		return "", fmt.Errorf("envelope %s is no event, or was delivered again already", id)
	}
	e.repeated = true
	e.settle()
	again := Envelope{Kind: e.Kind, EventID: e.EventID, Attempt: e.Attempt + 1, Payload: e.Payload}
	s.mu.Unlock()
	return s.dispatch(again), nil
}

// Repeat sends the same frame again, of any kind, as Slack does after reconnects.
func (s *Slack) Repeat(id string) error {
	s.mu.Lock()
	e, k := s.envelope(id), s.nextSocket()
	s.mu.Unlock()
	if e == nil || k == nil {
		return fmt.Errorf("no envelope %s, or no socket to send it to", id)
	}
	return k.write(e.frame())
}

// retryUndelivered sends the events that found no socket open: they arrive as
// retries only.
func (s *Slack) retryUndelivered() {
	var waiting []string
	s.mu.Lock()
	for _, e := range s.sockets.envelopes {
		if !s.sockets.off && e.Kind == "events_api" && !e.Sent && !e.repeated {
			waiting = append(waiting, e.ID)
		}
	}
	s.mu.Unlock()
	for _, id := range waiting {
		_, _ = s.Redeliver(id) // it was redelivered meanwhile
	}
}

// Envelopes lists all deliveries in the order of sending.
func (s *Slack) Envelopes() []Envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Envelope
	for _, e := range s.sockets.envelopes {
		c := e.Envelope
		c.Responses = slices.Clone(e.Responses) // the only part that is appended to
		list = append(list, c)
	}
	return list
}

// WaitEnvelope waits until wanted returns true for a delivery, and returns it.
func (s *Slack) WaitEnvelope(ctx context.Context, wanted func(Envelope) bool) (Envelope, error) {
	e, err := await(ctx, &s.changed, func() (Envelope, bool) {
		all := s.Envelopes()
		if i := slices.IndexFunc(all, wanted); i >= 0 {
			return all[i], true
		}
		return Envelope{}, false
	})
	if err != nil {
		return e, fmt.Errorf("waiting for an envelope among %d: %w", len(s.Envelopes()), err)
	}
	return e, nil
}

// WaitAck waits until the client has confirmed an envelope.
func (s *Slack) WaitAck(ctx context.Context, id string) (Ack, error) {
	e, err := s.WaitEnvelope(ctx, func(e Envelope) bool { return e.ID == id && e.Ack.Count > 0 })
	return e.Ack, err
}
