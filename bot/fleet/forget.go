package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Removal is a panel whose agent was removed.
type Removal struct {
	Panel string    `json:"panel"`
	By    string    `json:"by"` // who removed it, as the audit names people
	At    time.Time `json:"at"`
}

// Forget removes from the hub what the agent of a panel sent, and says there that the
// panel is no more. An agent that is enrolled again sends everything again.
func Forget(ctx context.Context, n *nats.Conn, r Removal) error {
	js, err := jetstream.New(n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for stream, subjects := range map[string][]string{
		StreamFacts: {FactsSubject(r.Panel)}, StreamLog: {LogSubject(r.Panel)}, StreamSights: {prefix + ".sight.*." + r.Panel + ".>"}} {
		s, err := js.Stream(ctx, stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) { // a hub that has nothing
			return nil
		}
		for _, subject := range subjects {
			if err == nil {
				err = s.Purge(ctx, jetstream.WithPurgeSubject(subject))
			}
		}
		if err != nil {
			return fmt.Errorf("forgetting the panel %s: %w", r.Panel, err)
		}
	}
	data, err := Encode(State{Protocol: Protocol, Removed: r.By, At: Moment{Time: r.At}})
	if err == nil {
		_, err = js.Publish(ctx, StateSubject(r.Panel), data)
	}
	if err != nil {
		return fmt.Errorf("forgetting the panel %s: %w", r.Panel, err)
	}
	return nil
}
