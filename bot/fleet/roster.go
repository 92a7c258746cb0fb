package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Entry is an agent as the hub knows it.
type Entry struct {
	Member
	Seen      time.Time     // by the hub's clock; zero: never
	Version   string        // of the agent's program
	Protocol  int           // that it speaks
	Offset    time.Duration // of its clock, to the hub's; includes the way of the message
	Backlog   int           // messages that wait at the agent
	Vantage   string        // its vantage point; empty: it does not look
	Abilities []string
	Skill     int // as in About
}

// Roster lists the members with what each said last. An agent that was never heard of
// has a zero Seen.
func Roster(ctx context.Context, n *nats.Conn, m Members) ([]Entry, error) {
	js, err := jetstream.New(n)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	bucket, err := js.KeyValue(ctx, BucketFleet)
	if err != nil && !errors.Is(err, jetstream.ErrBucketNotFound) { // no bot has run yet
		return nil, err
	}
	for _, one := range m.Agents {
		e := Entry{Member: one}
		if bucket != nil {
			said, err := bucket.Get(ctx, one.Name)
			switch {
			case errors.Is(err, jetstream.ErrKeyNotFound):
			case err != nil:
				return nil, err
			default:
				e.read(said.Value(), said.Created())
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// read takes what an agent said of itself. What cannot be read is left out: the agent
// was heard of, and says nothing that we understand.
func (e *Entry) read(text []byte, at time.Time) {
	e.Seen = at
	said, err := DecodeHeartbeat(text)
	if err != nil {
		return
	}
	e.Protocol, e.Version, e.Backlog, e.Vantage, e.Abilities, e.Skill = said.Protocol, said.Version, said.Backlog, said.Vantage, said.Abilities, said.Skill
	if !said.At.IsZero() {
		e.Offset = said.At.Sub(at)
	}
}
